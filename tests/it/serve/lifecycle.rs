//! The end of a server: in process, and of the real binary.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use sre_orch::serve::Config;
use sre_orch::store::{Bounds, Filter, Status};

use super::{INCIDENTS, Running, Script, config, header, problem};

#[tokio::test]
async fn what_was_accepted_finishes_and_nothing_more_is_taken() {
    let script = Script::default();
    let server = Running::scripted(&script).await;
    let paths = [server.submit("wait").await, server.submit("wait").await, server.submit("wait").await];
    server.until(&paths[0], "running").await;
    // An open connection sees that the end is near.
    let events = server.get(&format!("{}/events", paths[2])).await;
    server.end();
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!(reqwest::get(format!("{}/healthz", server.url)).await.is_err(), "no new connections");
    script.gate.add_permits(3);
    assert!(events.text().await.unwrap().contains("completed"));
    let store = std::sync::Arc::clone(&server.store);
    let start = Instant::now();
    server.ended().await;
    assert!(start.elapsed() < Duration::from_secs(5));
    let completed =
        store.list(Filter { status: Some(Status::Completed), ..Filter::default() }, None, 10).await;
    assert_eq!(completed.unwrap().incidents.len(), 3);
}

#[tokio::test]
async fn what_does_not_finish_in_time_is_cancelled() {
    let config = Config { drain: Duration::from_millis(200), ..config() };
    let server = Running::start(config, Bounds::default(), Script::default()).await;
    for _ in 0..10 {
        server.submit("wait").await;
    }
    let store = std::sync::Arc::clone(&server.store);
    server.end();
    let start = Instant::now();
    server.ended().await;
    assert!(start.elapsed() < Duration::from_secs(4), "{:?}", start.elapsed());
    let all = store.list(Filter::default(), None, 20).await.unwrap().incidents;
    assert_eq!(all.len(), 10);
    assert!(all.iter().all(|incident| incident.status == Status::Cancelled), "{all:?}");
}

#[tokio::test]
async fn on_an_open_connection_the_end_is_a_problem() {
    let script = Script::default();
    let server = Running::scripted(&script).await;
    let path = server.submit("wait").await;
    server.until(&path, "running").await;
    // Two requests on one connection, the second one sent after the end has begun.
    let address = server.url.strip_prefix("http://").unwrap().to_owned();
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    let body = json!({"description": "late"}).to_string();
    let head = format!(
        "POST {INCIDENTS} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    stream.write_all(head.as_bytes()).await.unwrap();
    tokio::time::sleep(Duration::from_millis(50)).await;
    server.end();
    tokio::time::sleep(Duration::from_millis(50)).await;
    stream.write_all(body.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 503") && answer.contains("shutting-down"), "{answer}");
    script.gate.add_permits(1);
    server.ended().await;
}

/// The real binary over a recorded incident.
struct Binary {
    child: Child,
    url: String,
    log: std::thread::JoinHandle<Vec<Value>>,
}

impl Binary {
    fn start(arguments: &[&str]) -> Self {
        let bundle = format!("{}/tests/fixtures/healthy-redis/bundle.tar.gz", env!("CARGO_MANIFEST_DIR"));
        let home = tempfile::tempdir().unwrap();
        let mut child = Command::new(env!("CARGO_BIN_EXE_sre-orch"))
            .args(["serve", "--listen", "127.0.0.1:0", "--bundle", &bundle])
            .args(arguments)
            .env_clear()
            .env("HOME", home.path())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let parse =
            |line: String| serde_json::from_str::<Value>(&line).unwrap_or_else(|_| panic!("no JSON: {line}"));
        let url = lines
            .by_ref()
            .map(|line| parse(line.unwrap()))
            .find_map(|line| line["url"].as_str().map(str::to_owned));
        let url = url.expect("a line that says where it serves");
        let log = std::thread::spawn(move || lines.map_while(Result::ok).map(parse).collect());
        Self { child, url, log }
    }

    fn terminate(&self) {
        let sent = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status().unwrap();
        assert!(sent.success());
    }

    /// Waits for the end: exit code and log.
    fn ended(mut self) -> (Option<i32>, Vec<Value>) {
        let log = self.log.join().unwrap();
        (self.child.wait().unwrap().code(), log)
    }
}

/// Sends incidents until the server takes no more, and counts them; gives the ids that were accepted.
async fn press(url: String, count: Arc<AtomicUsize>) -> Vec<String> {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let mut ids = Vec::new();
    loop {
        let request =
            client.post(format!("{url}{INCIDENTS}")).json(&json!({"description": "is redis slow?"}));
        let Ok(response) = request.send().await else { return ids };
        if response.status() == 202 {
            let accepted: Value = response.json().await.unwrap();
            ids.push(accepted["incident_id"].as_str().unwrap().to_owned());
            count.fetch_add(1, Ordering::Relaxed);
        } else {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sigterm_under_load_loses_nothing_without_a_word() {
    for drain in ["5m", "1ms"] {
        let server = Binary::start(&["--drain", drain, "--rate-limit", "0", "--queue", "40"]);
        let count = Arc::new(AtomicUsize::new(0));
        let clients: Vec<_> =
            (0..8).map(|_| tokio::spawn(press(server.url.clone(), Arc::clone(&count)))).collect();
        while count.load(Ordering::Relaxed) < 20 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        server.terminate();
        let (code, log) = tokio::task::spawn_blocking(move || server.ended()).await.unwrap();
        assert_eq!(code, Some(0), "--drain {drain}");
        let mut accepted = Vec::new();
        for client in clients {
            accepted.extend(client.await.unwrap());
        }
        let mut last: BTreeMap<&str, &str> = BTreeMap::new();
        for line in &log {
            if let (Some(id), Some(status)) = (line["incident"].as_str(), line["status"].as_str()) {
                last.insert(id, status);
            }
        }
        let lost: Vec<_> = accepted
            .iter()
            .filter(|id| !matches!(last.get(id.as_str()), Some(&"completed" | &"cancelled")))
            .collect();
        assert!(lost.is_empty(), "--drain {drain}: {} of {} without a word", lost.len(), accepted.len());
        if drain == "5m" {
            assert!(last.values().all(|status| *status == "completed"), "all had the time");
        }
        assert_eq!(log.last().unwrap()["message"], "ended");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn logs_carry_the_request_and_no_secret() {
    let directory = tempfile::tempdir().unwrap();
    let tokens = directory.path().join("tokens");
    std::fs::write(&tokens, "a-very-secret-token\n").unwrap();
    let server = Binary::start(&["--token-file", tokens.to_str().unwrap(), "-v"]);
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let response = client
        .post(format!("{}{INCIDENTS}", server.url))
        .bearer_auth("a-very-secret-token")
        .header("x-request-id", "deploy-42")
        .json(&json!({"description": "web has password=hunter22 in it"}))
        .send()
        .await
        .unwrap();
    assert_eq!(response.status(), 202);
    let path = header(&response, "location");
    let wrong = client
        .get(format!("{}{path}?token=a-very-secret-token", server.url))
        .bearer_auth("another-secret")
        .send()
        .await
        .unwrap();
    problem(wrong, 401, "unauthorized").await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    server.terminate();
    let (code, log) = tokio::task::spawn_blocking(move || server.ended()).await.unwrap();
    assert_eq!(code, Some(0));
    let text = log.iter().map(Value::to_string).collect::<Vec<_>>().join("\n");
    for secret in ["a-very-secret-token", "another-secret", "hunter22"] {
        assert!(!text.contains(secret), "{secret}:\n{text}");
    }
    let of_request = log.iter().filter(|line| line["request_id"] == "deploy-42");
    assert!(of_request.filter(|line| line["incident"].is_string()).count() >= 2, "{text}");
}

#[test]
fn what_is_wrong_with_the_settings_is_said() {
    let bundle = format!("{}/tests/fixtures/healthy-redis/bundle.tar.gz", env!("CARGO_MANIFEST_DIR"));
    let run = |arguments: &[&str]| {
        let home = tempfile::tempdir().unwrap();
        let output = Command::new(env!("CARGO_BIN_EXE_sre-orch"))
            .args(["serve", "--bundle", &bundle])
            .args(arguments)
            .env_clear()
            .env("HOME", home.path())
            .output()
            .unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    let (code, text) = run(&["--listen", "0.0.0.0:0"]);
    assert!(code == Some(2) && text.contains("--token-file"), "{text}");
    let (code, text) = run(&["--token-file", "missing"]);
    assert!(code == Some(2) && text.contains("missing"), "{text}");
    let (code, text) =
        run(&["--listen", "127.0.0.1:0", "--tls-cert", "missing.crt", "--tls-key", "missing.key"]);
    assert!(code == Some(2) && text.contains("missing.crt"), "{text}");
}
