//! The release binary against a snapshot-backed API server over HTTP, at 1k to 20k pods:
//! `cargo bench --bench end_to_end [-- PODS|SNAPSHOT...]`. A snapshot is an archive with the incident
//! [`DESCRIPTION`] tells; `serve PODS|SNAPSHOT` only serves one, to look at a run more closely.
//!
//! Prints requests, bytes received, wall time and peak memory of each run, beside two references
//! made in the same run: the bare fetch of the same answers, and the bare fetch and parse of the
//! full lists into the types of k8s-openapi. Answers are kept by the server and each run is made
//! twice, so that what the server needs to make them is not measured. Nothing is asserted: figures
//! are of one machine.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::cast_precision_loss,
    missing_docs,
    reason = "a program that measures fails by panicking, and prints"
)]

#[path = "../common/mod.rs"]
mod fixture;
#[path = "../../tests/it/load.rs"]
#[allow(dead_code, reason = "shared with the tests")]
mod load;
mod reference;
mod server;

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use fixture::{Files, INCIDENT, archive, read};
use server::Server;

const SIZES: [usize; 4] = [1000, 5000, 10_000, 20_000];

const DESCRIPTION: &str = "checkout pods crashing";
const NAMESPACE: &str = "shop-apac";
/// Broken Deployments, instead of one.
const BROKEN: usize = 200;

/// What one run of the binary took.
struct Run {
    wall: Duration,
    peak_kib: u64,
    requests: u64,
    bytes: u64,
    phases: String,
    cause: String,
}

/// A cluster to measure in: the incident within so many pods, or a recorded archive.
struct Load {
    name: String,
    files: Files,
    pods: usize,
}

impl Load {
    fn new(argument: &str, incident: &Files) -> Self {
        match argument.parse() {
            Ok(pods) => {
                Self { name: format!("{pods} pods"), files: load::surround(incident.clone(), pods), pods }
            }
            Err(_) => Self { name: argument.to_owned(), files: read(Path::new(argument)), pods: 0 },
        }
    }
}

fn main() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut asked: Vec<String> =
        std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    let incident = read(Path::new(INCIDENT));
    if asked.first().is_some_and(|word| word == "serve") {
        let server = Server::start(&Load::new(&asked.remove(1), &incident).files, Duration::ZERO, 0);
        println!("KUBECONFIG={}", server.kubeconfig().display());
        loop {
            std::thread::park();
        }
    }
    if asked.is_empty() {
        asked = SIZES.map(|pods| pods.to_string()).to_vec();
    }
    for argument in asked {
        measure(&Load::new(&argument, &incident), &incident);
    }
    slow_servers(&incident);
}

fn measure(load: &Load, incident: &Files) {
    println!("\n== {}", load.name);
    let server = Server::start(&load.files, Duration::ZERO, 0);
    let full = reference::fetch_and_parse(&server.url());
    println!(
        "reference: full lists {:.1} MB, bare fetch {:?}, bare fetch and parse {:?}",
        full.bytes as f64 / 1e6,
        full.fetch,
        full.parse
    );
    for (name, more) in [
        ("cluster-wide", &[DESCRIPTION][..]),
        ("something is wrong", &["something is wrong"]),
        ("--namespace", &["-n", NAMESPACE, DESCRIPTION]),
        ("--no-triage", &["--no-triage", DESCRIPTION]),
    ] {
        investigate(&server, more);
        server.forget();
        let run = investigate(&server, more);
        let same = reference::replay(&server.url(), &server.requests());
        print(name, &run, full.parse);
        println!("    bare fetch of the same answers {same:?}; {}", run.phases);
    }
    drop(server);
    bundle(&load.files);
    if load.pods > 0 {
        let broken = load::surround_with(incident.clone(), load.pods, BROKEN);
        let server = Server::start(&broken, Duration::ZERO, 0);
        investigate(&server, &[DESCRIPTION]);
        let run = investigate(&server, &[DESCRIPTION]);
        print(&format!("{BROKEN} broken"), &run, full.parse);
        println!("    {}", run.phases);
    }
}

fn slow_servers(incident: &Files) {
    println!("\n== slow and throttling servers, 1000 pods");
    let files = load::surround(incident.clone(), 1000);
    let slow = Server::start(&files, Duration::from_millis(200), 0);
    investigate(&slow, &["-n", NAMESPACE, DESCRIPTION]);
    let run = investigate(&slow, &["-n", NAMESPACE, DESCRIPTION]);
    println!("200 ms an answer, --namespace: {:?}, {} requests; {}", run.wall, run.requests, run.phases);
    let throttling = Server::start(&files, Duration::ZERO, 3);
    let run = investigate(&throttling, &["--timeout", "20s", DESCRIPTION]);
    println!("429 to every third request: {:?}, {} requests, {}", run.wall, run.requests, run.cause);
}

fn print(name: &str, run: &Run, reference: Duration) {
    println!(
        "{name:<20} {:>4} requests {:>8.2} MB {:>7.0} ms ({:.2} x) {:>4} MiB  {}",
        run.requests,
        run.bytes as f64 / 1e6,
        run.wall.as_secs_f64() * 1e3,
        run.wall.as_secs_f64() / reference.as_secs_f64(),
        run.peak_kib / 1024,
        run.cause
    );
}

/// The same incident from a file, beside unpacking and parsing that file.
fn bundle(files: &Files) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("bundle.tar.gz");
    std::fs::write(&path, archive(files)).unwrap();
    let started = Instant::now();
    for (name, content) in read(&path) {
        if name.ends_with(".json") {
            let _: Value = serde_json::from_slice(&content).unwrap();
        }
    }
    let reference = started.elapsed();
    print("--bundle", &run(&["--bundle", path.to_str().unwrap(), DESCRIPTION]), reference);
    println!("    (x is to unpack and parse the file: {reference:?})");
}

fn investigate(server: &Server, more: &[&str]) -> Run {
    run(&[&["--kubeconfig", server.kubeconfig().to_str().unwrap()], more].concat())
}

fn run(more: &[&str]) -> Run {
    let started = Instant::now();
    let child = Command::new(env!("CARGO_BIN_EXE_sre-orch"))
        .args(["investigate", "-o", "json"])
        .args(more)
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .spawn()
        .unwrap();
    let status = format!("/proc/{}/status", child.id());
    let watch = std::thread::spawn(move || {
        let mut peak = 0;
        while let Ok(text) = std::fs::read_to_string(&status) {
            let Some(line) = text.lines().find(|line| line.starts_with("VmHWM")) else { break };
            peak = line.split_whitespace().nth(1).and_then(|word| word.parse().ok()).unwrap_or(peak);
            std::thread::sleep(Duration::from_millis(3));
        }
        peak
    });
    let output = child.wait_with_output().unwrap();
    let wall = started.elapsed();
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let stats = &report["stats"];
    Run {
        wall,
        peak_kib: watch.join().unwrap(),
        requests: stats["api_requests"].as_u64().unwrap(),
        bytes: stats["bytes"].as_u64().unwrap(),
        phases: stats["phases_ms"].to_string(),
        cause: report["hypotheses"][0]["cause"].as_str().unwrap_or("no hypothesis").to_owned(),
    }
}
