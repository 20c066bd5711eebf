//! The page, in a real browser; skipped where there is none.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::unix::pipe;

use super::{INCIDENTS, Running, Script, header};

#[tokio::test]
async fn the_page_allows_its_own_script_only() {
    let server = Running::scripted(&Script::default()).await;
    let response = server.get("/").await;
    let policy = header(&response, "content-security-policy");
    for part in [
        "default-src 'none'",
        "script-src 'sha256-",
        "style-src 'sha256-",
        "connect-src 'self'",
        "base-uri 'none'",
    ] {
        assert!(policy.contains(part), "{policy}");
    }
    let text = response.text().await.unwrap();
    for outside in ["http://", "https://", "src=", "@import", "innerHTML", " style=\"", " onclick="] {
        assert!(!text.contains(outside), "{outside}");
    }
}

/// A browser that is told what to do through pipes.
struct Browser {
    child: Child,
    to: pipe::Sender,
    from: BufReader<pipe::Receiver>,
    session: String,
    number: u64,
    /// What the page complained about.
    complaints: Vec<String>,
    _profile: tempfile::TempDir,
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Browser {
    /// Starts Chromium; none where it is not installed.
    async fn start() -> Option<Self> {
        let program = ["chromium", "chromium-browser", "google-chrome"].into_iter().find(|program| {
            Command::new(program)
                .arg("--version")
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .status()
                .is_ok()
        })?;
        let profile = tempfile::tempdir().unwrap();
        let (inward, outward) = (profile.path().join("in"), profile.path().join("out"));
        assert!(Command::new("mkfifo").args([&inward, &outward]).status().unwrap().success());
        // Both ends open for reading and writing, so that no order of opening can hang.
        let from = pipe::OpenOptions::new().read_write(true).open_receiver(&outward).unwrap();
        let to = pipe::OpenOptions::new().read_write(true).open_sender(&inward).unwrap();
        let script = "exec \"$0\" \"$@\" 3<\"$IN\" 4>\"$OUT\"";
        let data = profile.path().join("profile");
        let child = Command::new("sh")
            .args([
                "-c",
                script,
                program,
                "--headless=new",
                "--no-sandbox",
                "--disable-gpu",
                "--disable-dev-shm-usage",
            ])
            .args(["--no-first-run", "--disable-extensions", "--remote-debugging-pipe", "--hide-scrollbars"])
            .arg(format!("--user-data-dir={}", data.display()))
            .env("IN", &inward)
            .env("OUT", &outward)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut browser = Self {
            child,
            to,
            from: BufReader::new(from),
            session: String::new(),
            number: 0,
            complaints: Vec::new(),
            _profile: profile,
        };
        let target = browser.tell("Target.createTarget", json!({"url": "about:blank"})).await;
        let attached = browser
            .tell("Target.attachToTarget", json!({"targetId": target["targetId"], "flatten": true}))
            .await;
        browser.session = attached["sessionId"].as_str().unwrap().to_owned();
        for domain in ["Page", "Runtime", "Log"] {
            browser.tell(&format!("{domain}.enable"), json!({})).await;
        }
        Some(browser)
    }

    /// Sends a command and waits for its result.
    async fn tell(&mut self, method: &str, parameters: Value) -> Value {
        self.number += 1;
        let mut message = json!({"id": self.number, "method": method, "params": parameters});
        if !self.session.is_empty() {
            message["sessionId"] = json!(self.session);
        }
        self.to.write_all(format!("{message}\0").as_bytes()).await.unwrap();
        loop {
            let mut bytes = Vec::new();
            let read = self.from.read_until(0, &mut bytes);
            tokio::time::timeout(Duration::from_secs(30), read).await.expect("an answer").unwrap();
            bytes.pop();
            let message: Value = serde_json::from_slice(&bytes).unwrap();
            match message["method"].as_str() {
                Some("Runtime.exceptionThrown") => self.complaints.push(message["params"].to_string()),
                Some("Log.entryAdded") if message["params"]["entry"]["level"] == "error" => {
                    self.complaints.push(message["params"]["entry"].to_string());
                }
                _ => {}
            }
            if message["id"] == self.number {
                assert!(message.get("error").is_none(), "{method}: {message}");
                return message["result"].clone();
            }
        }
    }

    /// The value of an expression on the page.
    async fn value(&mut self, expression: &str) -> Value {
        let parameters = json!({"expression": expression, "returnByValue": true, "awaitPromise": true});
        let result = self.tell("Runtime.evaluate", parameters).await;
        assert!(result.get("exceptionDetails").is_none(), "{expression}: {result}");
        result["result"]["value"].clone()
    }

    /// Waits until an expression is true.
    async fn until(&mut self, expression: &str) {
        let start = Instant::now();
        while self.value(expression).await != json!(true) {
            if start.elapsed() > Duration::from_secs(20) {
                let text = self.value("document.body.innerText").await;
                panic!("not true: {expression}; the page says: {text}");
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    async fn open(&mut self, url: &str, width: u32) {
        let size = json!({"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": false});
        self.tell("Emulation.setDeviceMetricsOverride", size).await;
        self.tell("Page.navigate", json!({"url": "about:blank"})).await;
        self.tell("Page.navigate", json!({"url": url})).await;
        self.until("document.readyState === 'complete' && location.href !== 'about:blank'").await;
    }

    /// Elements that stick out of the page or hide a part of their text.
    async fn clipped(&mut self) -> Value {
        self.value(
            "(() => { const wrong = [];
              const root = document.documentElement;
              if (root.scrollWidth > root.clientWidth) wrong.push(`page: ${root.scrollWidth} > ${root.clientWidth}`);
              for (const element of document.querySelectorAll('body *')) {
                const box = element.getBoundingClientRect();
                if (!box.width || ['SCRIPT', 'STYLE'].includes(element.tagName)) continue;
                const name = `${element.tagName} ${element.className}: ${element.textContent.slice(0, 40)}`;
                if (box.right > root.clientWidth + 1 || box.left < -1) wrong.push(`outside: ${name}`);
                if (['INPUT', 'TEXTAREA'].includes(element.tagName)) continue;
                if (element.scrollWidth > element.clientWidth + 1 && getComputedStyle(element).display !== 'inline') wrong.push(`clipped: ${name}`);
              }
              return wrong; })()",
        )
        .await
    }

    /// Keeps a picture where SRE_ORCH_TEST_SCREENSHOTS says.
    async fn picture(&mut self, name: &str) {
        let Some(directory) = std::env::var_os("SRE_ORCH_TEST_SCREENSHOTS") else { return };
        let size = self
            .value(
                "({x: 0, y: 0, scale: 1, width: innerWidth, height: document.documentElement.scrollHeight})",
            )
            .await;
        let picture =
            self.tell("Page.captureScreenshot", json!({"captureBeyondViewport": true, "clip": size})).await;
        use base64::Engine as _;
        let bytes =
            base64::engine::general_purpose::STANDARD.decode(picture["data"].as_str().unwrap()).unwrap();
        std::fs::write(Path::new(&directory).join(format!("{name}.png")), bytes).unwrap();
    }
}

macro_rules! browser_or_skip {
    () => {
        match Browser::start().await {
            Some(browser) => browser,
            None => {
                eprintln!("skipped: no Chromium (Debian's package is `chromium`)");
                return;
            }
        }
    };
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_fits_narrow_and_wide_screens() {
    let mut browser = browser_or_skip!();
    for fixture in ["redis-out-of-memory", "checkout-missing-env"] {
        let server = Running::recorded(fixture).await;
        let path = server.submit("something is failing").await;
        server.until(&path, "completed").await;
        let id = path.strip_prefix(&format!("{INCIDENTS}/")).unwrap();
        for width in [400, 1400] {
            browser.open(&format!("{}/#{id}", server.url), width).await;
            browser.until("document.querySelectorAll('#report article h2').length > 0 && document.querySelectorAll('#recent a').length > 0").await;
            browser.picture(&format!("{fixture}-{width}")).await;
            // The longest part too.
            browser.value("document.querySelector('details').open = true").await;
            assert_eq!(browser.clipped().await, json!([]), "{fixture} at {width}");
        }
    }
    assert!(browser.complaints.is_empty(), "{:#?}", browser.complaints);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_description_is_submitted_and_its_report_read() {
    let mut browser = browser_or_skip!();
    let server = Running::recorded("checkout-missing-env").await;
    browser.open(&server.url, 400).await;
    assert_eq!(browser.clipped().await, json!([]));
    browser.value("document.getElementById('description').value = 'checkout pods are crashing'; document.getElementById('send').click()").await;
    browser.until("document.querySelectorAll('#report article h2').length > 0").await;
    let text = browser.value("document.getElementById('report').innerText").await;
    assert!(text.as_str().unwrap().contains("PAYMENT_API_KEY"), "{text}");
    browser.value("[...document.querySelectorAll('button')].find((button) => button.textContent === 'This was it').click()").await;
    browser.until("document.getElementById('report').innerText.includes('Noted')").await;
    let all = server.json(INCIDENTS).await;
    let id = all["items"][0]["id"].as_str().unwrap();
    let incident = server.json(&format!("{INCIDENTS}/{id}")).await;
    assert_eq!(incident["feedback"][0]["confirmed_cause"], incident["report"]["hypotheses"][0]["cause"]);
    assert!(browser.complaints.is_empty(), "{:#?}", browser.complaints);
}

#[tokio::test(flavor = "multi_thread")]
async fn hostile_text_stays_text() {
    let mut browser = browser_or_skip!();
    let server = Running::scripted(&Script::default()).await;
    let path = server.submit("hostile").await;
    server.until(&path, "completed").await;
    let other = server.submit("<img src=x onerror=alert(1)><script>alert(2)</script>").await;
    server.until(&other, "completed").await;
    let id = path.strip_prefix(&format!("{INCIDENTS}/")).unwrap();
    for width in [400, 1400] {
        browser.open(&format!("{}/#{id}", server.url), width).await;
        browser.until("document.querySelectorAll('#report article h2').length > 0 && document.querySelectorAll('#recent a').length > 1").await;
        assert_eq!(browser.value("document.querySelectorAll('img').length").await, json!(0));
        assert_eq!(browser.value("document.querySelectorAll('script').length").await, json!(1));
        let text = browser.value("document.body.innerText").await;
        assert!(text.as_str().unwrap().contains("<img src=x"), "{text}");
        assert_eq!(browser.clipped().await, json!([]), "{width}");
    }
    assert!(browser.complaints.is_empty(), "{:#?}", browser.complaints);
}

#[tokio::test(flavor = "multi_thread")]
async fn failures_are_told() {
    let mut browser = browser_or_skip!();
    let server = Running::scripted(&Script::default()).await;
    let path = server.submit("fail").await;
    server.until(&path, "failed").await;
    let id = path.strip_prefix(&format!("{INCIDENTS}/")).unwrap();
    browser.open(&format!("{}/#{id}", server.url), 400).await;
    browser.until("document.getElementById('report').innerText.includes('on purpose')").await;
    browser
        .value("document.getElementById('since').value = 'soon'; document.getElementById('send').click()")
        .await;
    browser.until("document.getElementById('state').innerText.includes('length of time')").await;
    assert_eq!(browser.clipped().await, json!([]));
}
