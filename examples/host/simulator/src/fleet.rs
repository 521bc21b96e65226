//! Many meters on a few threads: first as fast as they can, then with the clock on the wall.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use meter_proto::payload::Stream;
use meter_proto::topic::MeterId;

use crate::flash::Flash;
use crate::meter::Meter;
use crate::spec::Spec;
use crate::truth::{Drawn, Kept, Registers, Truth};

/// The most threads of a fleet: one waits for its broker while others go on.
const THREADS: usize = 48;
/// Virtual seconds that a meter runs before its thread looks around.
const CHUNK: u64 = 900;
/// Virtual seconds within which a meter that is asked to end must have delivered everything: the
/// longest back-off is a day.
const LAST_UPLOAD: u64 = 3 * 86_400;

/// How time passes for a fleet.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pace {
    /// UTC seconds at which the past ends.
    pub until: u64,
    /// Virtual seconds for each real one in the past; `None` as fast as they can.
    pub speed: Option<f64>,
    /// After the past: go on with the clock on the wall, or end.
    pub live: bool,
    /// Seconds between momentary readings when live.
    pub live_reading_period: u32,
}

/// Where the meters' flashes are kept.
#[derive(Clone, Debug)]
pub enum Flashes {
    /// Nowhere: they are forgotten at the end.
    Memory,
    /// One file for each meter in this folder.
    Folder(PathBuf),
}

/// What can be seen of a meter while its fleet runs.
#[derive(Debug, Default)]
pub struct Status {
    utc: AtomicU64,
    waiting: AtomicU64,
}

impl Status {
    /// UTC seconds of its clock.
    #[must_use]
    pub fn utc(&self) -> u64 {
        self.utc.load(Ordering::Relaxed)
    }

    /// Records in its outbox.
    #[must_use]
    pub fn waiting(&self) -> u64 {
        self.waiting.load(Ordering::Relaxed)
    }
}

/// What is true of a meter at the end of its run.
#[derive(Clone, Debug)]
pub struct Report {
    /// Which meter.
    pub id: MeterId,
    /// The epoch of its records.
    pub epoch: u32,
    /// The last sequence of each stream, in the order of [`Stream::ALL`].
    pub last: [u64; Stream::ALL.len()],
    /// Records that were still in the outbox.
    pub waiting: u64,
    /// The ends of the intervals that the profile must have a record of.
    pub due: BTreeSet<u64>,
    /// What the registers of a record must show, from the chips' own totals.
    pub truth: Truth,
    /// What the household drew.
    pub drawn: Drawn,
    /// UTC seconds from which on the truth is known; records from before are of an earlier run.
    pub from: u64,
    /// What the firmware's registers showed at the end: import in µWs.
    pub import_uws: u128,
    /// Bytes sent and received over TCP.
    pub traffic: (u64, u64),
    /// Virtual seconds of its run.
    pub seconds: u64,
    /// How often it was switched on.
    pub lives: u32,
}

impl Report {
    /// What the registers of a record of this time must show.
    #[must_use]
    pub fn registers_at(&self, time: u64) -> Option<Registers> {
        self.truth.at(time)
    }
}

struct Shared {
    statuses: Vec<Status>,
    stop: AtomicBool,
    began: Instant,
}

/// A fleet at work.
pub struct Fleet {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<Result<Vec<Report>, String>>>,
}

impl Fleet {
    /// Starts the meters.
    #[must_use]
    pub fn start(specs: Vec<Spec>, flashes: &Flashes, pace: Pace) -> Self {
        let shared = Arc::new(Shared {
            statuses: specs.iter().map(|_| Status::default()).collect(),
            stop: AtomicBool::new(false),
            began: Instant::now(),
        });
        let count = specs.len().clamp(1, THREADS);
        let mut shares: Vec<Vec<(usize, Spec)>> = (0..count).map(|_| Vec::new()).collect();
        for (number, spec) in specs.into_iter().enumerate() {
            shares[number % count].push((number, spec));
        }
        let threads = shares.into_iter().map(|share| {
            let (shared, flashes) = (Arc::clone(&shared), flashes.clone());
            thread::spawn(move || Worker::new(share, &flashes, pace, shared)?.run())
        });
        Self {
            threads: threads.collect(),
            shared,
        }
    }

    /// What can be seen of each meter, in the order of the specs.
    #[must_use]
    pub fn statuses(&self) -> &[Status] {
        &self.shared.statuses
    }

    /// The clock of the meter that is furthest behind, UTC seconds.
    #[must_use]
    pub fn slowest(&self) -> u64 {
        self.statuses().iter().map(Status::utc).min().unwrap_or(0)
    }

    /// Whether every meter has ended, by itself or for an error.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.threads.iter().all(JoinHandle::is_finished)
    }

    /// Has the meters end: nothing goes wrong from now on, what waits is delivered.
    pub fn stop(&self) {
        self.shared.stop.store(true, Ordering::Relaxed);
    }

    /// Waits for the end and gives what is true of each meter. Without [`stop`](Self::stop) a fleet
    /// that goes live does not end.
    ///
    /// # Errors
    /// What stopped a meter: its flash file, its firmware.
    pub fn join(self) -> Result<Vec<Report>, String> {
        let mut reports = Vec::new();
        for thread in self.threads {
            let share = thread
                .join()
                .map_err(|_| "a meter's thread panicked".to_owned())?;
            reports.extend(share?);
        }
        reports.sort_by_key(|report| report.id);
        Ok(reports)
    }
}

/// A meter with its number in the fleet, and the file of what is true of it between runs.
struct Place {
    number: usize,
    meter: Meter,
    kept: Option<PathBuf>,
    from: u64,
}

struct Worker {
    meters: Vec<Place>,
    pace: Pace,
    shared: Arc<Shared>,
}

impl Worker {
    fn new(
        share: Vec<(usize, Spec)>,
        flashes: &Flashes,
        pace: Pace,
        shared: Arc<Shared>,
    ) -> Result<Self, String> {
        let place = |(number, spec)| Place::new(number, spec, flashes);
        let meters = share
            .into_iter()
            .map(place)
            .collect::<Result<_, String>>()?;
        Ok(Self {
            meters,
            pace,
            shared,
        })
    }

    fn run(mut self) -> Result<Vec<Report>, String> {
        self.play_past()?;
        if self.pace.live {
            self.go_live()?;
        }
        self.deliver()?;
        self.meters.iter_mut().map(Place::end).collect()
    }

    fn stopped(&self) -> bool {
        self.shared.stop.load(Ordering::Relaxed)
    }

    /// Runs every meter to its part of the way, and shows it.
    fn run_to(&mut self, target: impl Fn(&Meter) -> u64) -> Result<(), String> {
        for Place { number, meter, .. } in &mut self.meters {
            meter.run(target(meter))?;
            let status = &self.shared.statuses[*number];
            status.utc.store(meter.utc(), Ordering::Relaxed);
            status
                .waiting
                .store(meter.monitor().waiting(), Ordering::Relaxed);
        }
        Ok(())
    }

    fn play_past(&mut self) -> Result<(), String> {
        let Pace { until, speed, .. } = self.pace;
        let began = self.shared.began;
        while !self.stopped() && self.meters.iter().any(|place| place.meter.utc() < until) {
            let allowed = speed.map(|speed| (began.elapsed().as_secs_f64() * speed) as u64);
            self.run_to(|meter| {
                let next = meter.utc() + CHUNK;
                let paced = allowed.map(|allowed| meter.spec().start + allowed);
                next.min(until).min(paced.unwrap_or(u64::MAX))
            })?;
            if speed.is_some() {
                thread::sleep(Duration::from_millis(20));
            }
        }
        Ok(())
    }

    fn go_live(&mut self) -> Result<(), String> {
        let mut live = false;
        let mut quarter_hour = 0;
        while !self.stopped() {
            let now = wall_clock();
            self.run_to(|meter| now.min(meter.utc() + CHUNK))?;
            if self.meters.iter().all(|place| place.meter.utc() >= now) {
                if !live {
                    live = true;
                    let period = self.pace.live_reading_period;
                    self.meters
                        .iter_mut()
                        .for_each(|place| place.meter.set_reading_period(period));
                }
                // A person looks on: no one waits six hours for the next upload.
                if now / CHUNK != quarter_hour {
                    quarter_hour = now / CHUNK;
                    self.meters
                        .iter()
                        .for_each(|place| place.meter.monitor().upload_now());
                }
                thread::sleep(Duration::from_millis(50));
            }
        }
        Ok(())
    }

    /// Has every meter deliver what it has.
    fn deliver(&mut self) -> Result<(), String> {
        for Place { number, meter, .. } in &mut self.meters {
            meter.calm();
            meter.set_reading_period(0);
            let limit = meter.utc() + LAST_UPLOAD;
            while meter.utc() < limit && !meter.has_delivered() {
                meter.monitor().upload_now();
                meter.run(meter.utc() + 10)?;
            }
            let status = &self.shared.statuses[*number];
            status
                .waiting
                .store(meter.monitor().waiting(), Ordering::Relaxed);
        }
        Ok(())
    }
}

impl Place {
    fn new(number: usize, mut spec: Spec, flashes: &Flashes) -> Result<Self, String> {
        let Flashes::Folder(folder) = flashes else {
            let from = spec.start;
            let meter = Meter::new(spec, Flash::in_memory());
            return Ok(Self {
                number,
                meter,
                kept: None,
                from,
            });
        };
        let file = folder.join(format!("{}.flash", spec.id()));
        let is_new = !file.exists();
        let flash = Flash::in_file(&file).map_err(|error| error.to_string())?;
        let kept_file = file.with_extension("truth");
        let kept = fs::read_to_string(&kept_file)
            .ok()
            .and_then(|line| Kept::from_line(&line));
        if kept.is_none() && !is_new {
            return Err(format!(
                "{} was not written to its end: the last run was killed; remove the folder {} to \
                 start these meters anew",
                kept_file.display(),
                folder.display()
            ));
        }
        // While this run goes on, the file of the last one is not true any more.
        let _ = fs::remove_file(&kept_file);
        spec.start = kept.map_or(spec.start, |kept| spec.start.max(kept.utc + 1));
        let from = kept.map_or(spec.start, |kept| kept.utc);
        let mut meter = Meter::new(spec, flash);
        if let Some(kept) = &kept {
            meter.resume(kept);
        }
        Ok(Self {
            number,
            meter,
            kept: Some(kept_file),
            from,
        })
    }

    /// Reports, and switches the meter off as a power cut does.
    fn end(&mut self) -> Result<Report, String> {
        let report = report(&self.meter, self.from);
        if let Some(file) = &self.kept {
            let kept = self.meter.switch_off()?;
            fs::write(file, kept.to_line())
                .map_err(|error| format!("{}: {error}", file.display()))?;
        }
        Ok(report)
    }
}

fn report(meter: &Meter, from: u64) -> Report {
    let monitor = meter.monitor();
    let import = monitor.values().energy.import.get();
    Report {
        id: meter.spec().id(),
        epoch: monitor.epoch(),
        last: Stream::ALL.map(|stream| monitor.last_sequence(stream)),
        waiting: monitor.waiting(),
        due: meter.due().clone(),
        truth: meter.truth().clone(),
        drawn: *meter.drawn(),
        from,
        import_uws: u128::from(import) * 3_600_000,
        traffic: meter.traffic(),
        seconds: meter.utc() - meter.spec().start,
        lives: meter.lives(),
    }
}

/// UTC seconds of the host.
#[must_use]
pub fn wall_clock() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs())
}
