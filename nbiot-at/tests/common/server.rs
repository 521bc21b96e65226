//! Servers of this machine, on the loopback, stopped at the end.

#![allow(
    dead_code,
    unreachable_pub,
    reason = "each test binary uses its own part of this module"
)]

use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

pub struct Server {
    process: Child,
    folder: PathBuf,
    pub address: SocketAddr,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

impl Server {
    /// A broker with these files and settings, in which `{folder}` is where the files are.
    ///
    /// `None` if there is none on this machine.
    pub fn mosquitto(name: &str, files: &[(&str, String)], settings: &str) -> Option<Self> {
        let program = find("mosquitto")?;
        let name = format!("mosquitto-{name}");
        Some(Self::start(&name, |folder, address| {
            for (file, text) in files {
                fs::write(folder.join(file), text).unwrap();
            }
            let settings = settings.replace("{folder}", &folder.display().to_string());
            let conf = folder.join("conf");
            let listener = format!("listener {} 127.0.0.1", address.port());
            let text = format!("{listener}\nallow_anonymous true\nuser root\n{settings}");
            fs::write(&conf, text).unwrap();
            let mut command = Command::new(program);
            command.arg("-c").arg(conf);
            command
        }))
    }

    /// NATS with its MQTT listener; `None` if there is none on this machine.
    ///
    /// # Panics
    /// Where it is older than 2.10, whose listener was the first to take QoS 2.
    pub fn nats() -> Option<Self> {
        let program = find("nats-server")?;
        let version = Command::new(&program).arg("--version").output().unwrap();
        let version = String::from_utf8(version.stdout).unwrap();
        let minor = version.split_once("v2.").map(|(_, rest)| rest);
        let minor = minor.and_then(|rest| rest.split('.').next()?.parse::<u32>().ok());
        assert!(
            minor.is_none_or(|minor| minor >= 10),
            "{} is too old, 2.10 is needed: `cargo xtask install` brings it: {version}",
            program.display()
        );
        Some(Self::start("nats", |folder, address| {
            let root = folder.display();
            let conf = format!(
                "server_name: meters\nlisten: \"127.0.0.1:-1\"\n\
                 jetstream {{ store_dir: \"{root}\" }}\nmqtt {{ listen: \"{address}\" }}\n"
            );
            fs::write(folder.join("conf"), conf).unwrap();
            let mut command = Command::new(program);
            command.arg("-c").arg(folder.join("conf"));
            command
        }))
    }

    /// A web server with one file, `image.bin`; `None` if there is none on this machine.
    pub fn nginx(file: &[u8]) -> Option<Self> {
        let program = find("nginx")?;
        Some(Self::start("nginx", |folder, address| {
            fs::create_dir_all(folder.join("www")).unwrap();
            fs::write(folder.join("www/image.bin"), file).unwrap();
            let root = folder.display();
            let conf = format!(
                "daemon off;\nmaster_process off;\npid {root}/pid;\nerror_log {root}/error;\n\
                 events {{ }}\nhttp {{\n access_log off;\n client_body_temp_path {root}/a;\n\
                 proxy_temp_path {root}/b;\n fastcgi_temp_path {root}/c;\n uwsgi_temp_path {root}/d;\n\
                 scgi_temp_path {root}/e;\n server {{ listen {address}; root {root}/www; }}\n}}\n"
            );
            fs::write(folder.join("conf"), conf).unwrap();
            let mut command = Command::new(program);
            command.arg("-e").arg(folder.join("error"));
            command.arg("-c").arg(folder.join("conf"));
            command
        }))
    }

    fn start(name: &str, command: impl FnOnce(&Path, SocketAddr) -> Command) -> Self {
        let folder = format!("nbiot-at-{name}-{}", std::process::id());
        let folder = std::env::temp_dir().join(folder);
        fs::create_dir_all(&folder).unwrap();
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = port.local_addr().unwrap();
        drop(port);
        let mut command = command(&folder, address);
        let silent = command.stdin(Stdio::null()).stdout(Stdio::null());
        let process = silent.stderr(Stdio::null()).spawn().unwrap();
        let server = Self {
            process,
            folder,
            address,
        };
        for _ in 0..100 {
            if TcpStream::connect(address).is_ok() {
                return server;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        panic!("{name} does not answer");
    }
}

fn find(program: &str) -> Option<PathBuf> {
    // First what `cargo xtask install` has brought. Servers live in sbin, which is not on every
    // user's PATH.
    let tools = Path::new(env!("CARGO_TARGET_TMPDIR")).join("../xtask/tools/bin");
    let path = std::env::var_os("PATH").unwrap_or_default();
    let sbin = ["/usr/sbin", "/usr/local/sbin"].map(PathBuf::from);
    let path = std::env::split_paths(&path).chain(sbin);
    let mut places = std::iter::once(tools).chain(path);
    let found = places.find_map(|place| Some(place.join(program)).filter(|file| file.is_file()));
    if found.is_none() {
        let is_must = std::env::var_os("SMART_METER_FULL_TESTS").is_some();
        assert!(!is_must, "no {program} on this machine");
        println!("left out: no {program} on this machine");
    }
    found
}
