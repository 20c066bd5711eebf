//! Load on `sre-orch serve` over a snapshot of fifty pods: `cargo bench --bench serve_load`.
//!
//! Sends a steady 1,000 POST a second for 30 s, whatever comes back, then fills the store with
//! 10,000 incidents, then opens as many silent connections as `ulimit -n` allows, and says what it measured: answers by status, time to the answer (counted from
//! when the request was due), investigations a second, memory. Ends with 1 where a target is missed.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::exit,
    missing_docs,
    reason = "a program that measures fails by panicking, and prints"
)]

mod snapshot;

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use reqwest::Client;
use serde_json::{Value, json};
use tokio::sync::mpsc;

const RATE: u64 = 1000;
const SECONDS: u64 = 30;
const STORED: usize = 10_000;
/// Longest that filling the store may take.
const FILL: Duration = Duration::from_secs(600);

/// Targets: time to the answer of 99 in 100 POST, investigations a second, memory.
const P99: Duration = Duration::from_millis(20);
const INVESTIGATIONS: f64 = 20.0;
const MEBIBYTES: u64 = 512;

/// The server under load.
struct Server {
    child: Child,
    url: String,
    client: Client,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// One answer to a POST.
struct Sample {
    status: u16,
    took: Duration,
    id: Option<String>,
}

impl Server {
    fn start(bundle: &std::path::Path) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_sre-orch"))
            .args(["serve", "--listen", "127.0.0.1:0", "--rate-limit", "0", "--bundle"])
            .arg(bundle)
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map_while(Result::ok);
        let url = lines.find_map(|line| {
            let line: Value = serde_json::from_str(&line).ok()?;
            line["url"].as_str().map(str::to_owned)
        });
        // The log is read, as in production, and not kept.
        std::thread::spawn(move || lines.for_each(drop));
        let client = Client::builder().no_proxy().pool_max_idle_per_host(256).build().unwrap();
        Self { child, url: url.expect("a server"), client }
    }

    async fn post(&self, due: Instant) -> Sample {
        let request = self.client.post(format!("{}/api/v1/incidents", self.url));
        let request = request.json(&json!({"description": "checkout pods are crashing"}));
        let Ok(response) = request.send().await else {
            return Sample { status: 0, took: due.elapsed(), id: None };
        };
        let status = response.status().as_u16();
        let body = response.bytes().await.unwrap_or_default();
        let took = due.elapsed();
        let answer: Value = serde_json::from_slice(&body).unwrap_or_default();
        Sample { status, took, id: answer["incident_id"].as_str().map(str::to_owned) }
    }

    async fn get(&self, path: &str) -> String {
        self.client.get(format!("{}{path}", self.url)).send().await.unwrap().text().await.unwrap()
    }

    /// The sum of a metric over its labels.
    async fn metric(&self, name: &str) -> f64 {
        let text = self.get("/metrics").await;
        let values =
            text.lines().filter(|line| line.starts_with(name)).filter_map(|line| line.rsplit(' ').next());
        values.filter_map(|value| value.parse::<f64>().ok()).sum()
    }

    /// A field of the process's status in MiB.
    fn memory(&self, field: &str) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap_or_default();
        let line = status.lines().find(|line| line.starts_with(field)).unwrap_or_default();
        line.split_whitespace().nth(1).and_then(|kib| kib.parse::<u64>().ok()).unwrap_or_default() >> 10
    }

    async fn until_idle(&self) {
        while self.metric("sre_orch_incidents{status=\"pending\"").await
            + self.metric("sre_orch_incidents{status=\"running\"").await
            > 0.0
        {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
}

/// Sends at a steady rate, late or not.
async fn press(server: &Arc<Server>) -> Vec<Sample> {
    let (sender, mut receiver) = mpsc::unbounded_channel();
    let start = Instant::now();
    let pace = Duration::from_secs(1) / u32::try_from(RATE).unwrap();
    for number in 0..u32::try_from(RATE * SECONDS).unwrap() {
        let due = start + pace * number;
        tokio::time::sleep_until(due.into()).await;
        let (server, sender) = (Arc::clone(server), sender.clone());
        tokio::spawn(async move {
            let _ = sender.send(server.post(due).await);
        });
    }
    drop(sender);
    let mut samples = Vec::new();
    while let Some(sample) = receiver.recv().await {
        samples.push(sample);
    }
    samples
}

/// Sends until the store has as many incidents as it keeps.
async fn fill(server: &Arc<Server>) -> usize {
    let full = Arc::new(AtomicBool::new(false));
    let senders: Vec<_> = (0..8)
        .map(|_| {
            let (server, full) = (Arc::clone(server), Arc::clone(&full));
            tokio::spawn(async move {
                while !full.load(Ordering::Relaxed) {
                    if server.post(Instant::now()).await.status != 202 {
                        tokio::time::sleep(Duration::from_millis(50)).await;
                    }
                }
            })
        })
        .collect();
    let start = Instant::now();
    let mut stored = 0;
    while stored < STORED && start.elapsed() < FILL {
        tokio::time::sleep(Duration::from_secs(1)).await;
        stored = server.metric("sre_orch_incidents{").await as usize;
    }
    full.store(true, Ordering::Relaxed);
    for sender in senders {
        sender.await.unwrap();
    }
    stored
}

/// Opens as many connections as this process may, says nothing on them, and asks on new ones.
async fn crowd(server: &Server) -> (usize, usize, Duration) {
    let address = server.url.strip_prefix("http://").unwrap();
    let mut silent = Vec::new();
    while let Ok(Ok(stream)) =
        tokio::time::timeout(Duration::from_secs(5), tokio::net::TcpStream::connect(address)).await
    {
        silent.push(stream);
    }
    // Those who ask need a few.
    let opened = silent.len();
    silent.truncate(opened.saturating_sub(20));
    let (mut served, mut longest) = (0, Duration::ZERO);
    for _ in 0..100 {
        let start = Instant::now();
        let client = Client::builder().no_proxy().timeout(Duration::from_secs(5)).build().unwrap();
        let answer = client.get(format!("{}/healthz", server.url)).send().await;
        served += usize::from(answer.is_ok_and(|answer| answer.status() == 200));
        longest = longest.max(start.elapsed());
    }
    (opened, served, longest)
}

fn main() {
    // `cargo test --benches` runs this too, with nothing to measure.
    if std::env::args().any(|argument| argument == "--test" || argument == "--list") {
        return;
    }
    let _ = rustls::crypto::ring::default_provider().install_default();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let well = runtime.block_on(measure());
    std::process::exit(i32::from(!well));
}

async fn measure() -> bool {
    let directory = tempfile::tempdir().unwrap();
    snapshot::write(directory.path());
    let server = Arc::new(Server::start(directory.path()));
    server.post(Instant::now()).await;
    server.until_idle().await;

    let before = server.metric("sre_orch_investigations_total").await;
    let (memory_before, start) = (server.memory("VmRSS"), Instant::now());
    let samples = press(&server).await;
    let took = start.elapsed().as_secs_f64();
    let rate = (server.metric("sre_orch_investigations_total").await - before) / took;
    let memory_after = server.memory("VmRSS");

    let mut statuses: BTreeMap<u16, usize> = BTreeMap::new();
    for sample in &samples {
        *statuses.entry(sample.status).or_default() += 1;
    }
    let mut times: Vec<Duration> = samples.iter().map(|sample| sample.took).collect();
    times.sort();
    let quantile = |part: f64| times[((times.len() - 1) as f64 * part) as usize];
    println!("{} POST in {took:.1} s: {statuses:?}", samples.len());
    let [p50, p99, p999] = [0.5, 0.99, 0.999].map(quantile);
    println!(
        "time to answer: p50 {p50:.1?}, p99 {p99:.1?}, p99.9 {p999:.1?}, longest {:.1?}",
        times[times.len() - 1]
    );
    println!(
        "investigations: {rate:.1} a second; memory {memory_before} MiB before, {memory_after} MiB after"
    );

    server.until_idle().await;
    let mut lost = 0;
    for id in samples.iter().filter_map(|sample| sample.id.as_ref()) {
        let incident: Value =
            serde_json::from_str(&server.get(&format!("/api/v1/incidents/{id}")).await).unwrap();
        lost += usize::from(incident["status"] != "completed");
    }
    println!("accepted and not completed: {lost}");

    let stored = fill(&server).await;
    let (now, peak) = (server.memory("VmRSS"), server.memory("VmHWM"));
    println!("memory with {stored} incidents stored: {now} MiB, at most {peak} MiB");

    let (opened, served, longest) = crowd(&server).await;
    println!(
        "with {opened} connections opened and silent: {served} of 100 others served, longest {longest:.1?}"
    );

    let refused_well = statuses.keys().all(|status| matches!(status, 202 | 503));
    refused_well
        && lost == 0
        && p99 < P99
        && rate >= INVESTIGATIONS
        && stored >= STORED
        && peak < MEBIBYTES
        && served == 100
}
