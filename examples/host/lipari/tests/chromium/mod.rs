//! A headless Chromium, driven over WebDriver and the commands that Chromium adds to it.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use fantoccini::wd::WebDriverCompatibleCommand;
use fantoccini::{Client, ClientBuilder};
use http::Method;
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};
use tempfile::TempDir;
use url::{ParseError, Url};

use crate::common::{Killed, PATIENCE};

const FLAGS: [&str; 9] = [
    "--headless=new",
    // Its sandbox does not work for root, as whom a container runs tests.
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--lang=en-GB",
];

/// The driver with its browser; both end when it is dropped.
struct Driver {
    process: Killed,
    address: SocketAddr,
    _profile: TempDir,
}

impl Driver {
    fn start(program: &Path, profile: TempDir) -> Self {
        let mut command = Command::new(program);
        command.arg("--port=0").stdout(Stdio::piped());
        command.stderr(Stdio::null()).process_group(0);
        let mut process = Killed(command.spawn().expect("chromedriver starts"));
        let output = process.0.stdout.take().expect("piped");
        let said = BufReader::new(output).lines().map_while(Result::ok);
        let port = said.filter_map(|line| port(&line)).next();
        let address = (Ipv4Addr::LOCALHOST, port.expect("its port")).into();
        Self {
            process,
            address,
            _profile: profile,
        }
    }

    /// Has the driver end its browsers and itself.
    fn shutdown(&mut self) -> std::io::Result<()> {
        let mut stream = TcpStream::connect(self.address)?;
        stream.set_read_timeout(Some(Duration::from_secs(5)))?;
        let host = self.address;
        write!(stream, "GET /shutdown HTTP/1.1\r\nHost: {host}\r\n\r\n")?;
        let mut answer = [0; 16];
        stream.read_exact(&mut answer)?;
        let begin = Instant::now();
        while self.process.0.try_wait()?.is_none() && begin.elapsed() < Duration::from_secs(5) {
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        // A driver that does not listen any more is killed, as `Killed` does.
        let _ = self.shutdown();
    }
}

/// `ChromeDriver was started successfully on port 35067.`
fn port(line: &str) -> Option<u16> {
    let (_, number) = line.split_once("successfully on port ")?;
    number.trim_end_matches('.').parse().ok()
}

/// How a page is looked at.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Look {
    /// CSS pixels.
    pub(crate) width: u32,
    /// The colour scheme that the user prefers: `light` or `dark`.
    pub(crate) scheme: &'static str,
}

/// A browser with one window.
pub(crate) struct Browser {
    /// The WebDriver session.
    pub(crate) client: Client,
    _driver: Driver,
}

impl Browser {
    /// Starts the driver and through it the browser.
    pub(crate) async fn start(driver: &Path, chromium: &Path) -> Self {
        let profile = tempfile::tempdir().expect("a folder");
        let mut flags: Vec<String> = FLAGS.map(String::from).into();
        flags.push(format!("--user-data-dir={}", profile.path().display()));
        let wanted = json!({
            "goog:chromeOptions": { "binary": chromium, "args": flags },
            "goog:loggingPrefs": { "browser": "ALL" },
        });
        let driver = Driver::start(driver, profile);
        let mut builder = ClientBuilder::new(HttpConnector::new());
        builder.capabilities(wanted.as_object().expect("an object").clone());
        let address = format!("http://{}", driver.address);
        let client = tokio::time::timeout(PATIENCE, builder.connect(&address)).await;
        Self {
            client: client.expect("chromium in time").expect("a session"),
            _driver: driver,
        }
    }

    /// Runs a script in the page and gives what it returns.
    pub(crate) async fn script(&self, text: &str) -> Value {
        let result = self.client.execute(text, Vec::new()).await;
        result.unwrap_or_else(|error| panic!("{text}: {error}"))
    }

    /// The text of the first element that a selector finds, or nothing.
    pub(crate) async fn text(&self, selector: &str) -> String {
        let text = format!("document.querySelector({selector:?})?.textContent ?? ''");
        let text = self.script(&format!("return {text}")).await;
        text.as_str().unwrap_or_default().to_owned()
    }

    /// Waits until a script returns true.
    pub(crate) async fn until(&self, script: &str) {
        let begin = Instant::now();
        while self.script(script).await != Value::Bool(true) {
            assert!(begin.elapsed() < PATIENCE, "never true: {script}");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// Looks at the page so; the height is that of the whole page.
    pub(crate) async fn look(&self, Look { width, scheme }: Look) {
        let feature = json!({ "name": "prefers-color-scheme", "value": scheme });
        let media = json!({ "features": [feature] });
        self.chromium("Emulation.setEmulatedMedia", media).await;
        for height in [900, 0] {
            let whole = "return document.documentElement.scrollHeight";
            let height = match height {
                0 => self.script(whole).await,
                fixed => json!(fixed),
            };
            let size = json!({ "width": width, "height": height, "deviceScaleFactor": 1,
                "mobile": width < 600 });
            self.chromium("Emulation.setDeviceMetricsOverride", size)
                .await;
            // Two frames: what observes its own size has drawn itself anew.
            let frames = "const done = arguments[0];
                requestAnimationFrame(() => requestAnimationFrame(() => done()))";
            let drawn = self.client.execute_async(frames, Vec::new()).await;
            drawn.expect("two frames");
        }
    }

    /// Keeps what is seen as `<name>.png`.
    pub(crate) async fn keep_screenshot(&self, name: &str) {
        let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../artifacts");
        std::fs::create_dir_all(&folder).expect("the folder of artifacts");
        let image = self.client.screenshot().await.expect("a screenshot");
        std::fs::write(folder.join(format!("{name}.png")), image).expect("write");
    }

    /// What the console got since the last call, from warnings up.
    pub(crate) async fn complaints(&self) -> Vec<String> {
        let log = self.extension("se/log", json!({ "type": "browser" })).await;
        let entries = log.as_array().expect("a list of entries");
        let serious = |entry: &&Value| entry["level"] == "SEVERE" || entry["level"] == "WARNING";
        let texts = entries.iter().filter(serious);
        texts.map(|entry| entry["message"].to_string()).collect()
    }

    /// A command of the DevTools protocol.
    async fn chromium(&self, command: &str, parameters: Value) -> Value {
        let body = json!({ "cmd": command, "params": parameters });
        self.extension("goog/cdp/execute", body).await
    }

    async fn extension(&self, path: &'static str, body: Value) -> Value {
        let result = self.client.issue_cmd(Extension { path, body }).await;
        result.unwrap_or_else(|error| panic!("{path}: {error}"))
    }
}

/// A command that Chromium adds to WebDriver.
#[derive(Debug)]
struct Extension {
    path: &'static str,
    body: Value,
}

impl WebDriverCompatibleCommand for Extension {
    fn endpoint(&self, base: &Url, session: Option<&str>) -> Result<Url, ParseError> {
        base.join(&format!(
            "session/{}/{}",
            session.unwrap_or_default(),
            self.path
        ))
    }

    fn method_and_body(&self, _: &Url) -> (Method, Option<String>) {
        (Method::POST, Some(self.body.to_string()))
    }
}
