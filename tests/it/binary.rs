//! The real binary over real HTTP: one report on both transports, whatever goes wrong between.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use assert_cmd::Command;
use serde_json::Value;
use sre_orch::graph_test::incident;

use crate::api_server::{ApiServer, Fault, Rule};
use crate::fixture::shop;

/// Exit code, stdout and stderr of a run.
type Run = (i32, String, String);

/// Runs the binary in an environment of its own, whose home is the current directory.
pub(crate) fn run_in(home: &Path, arguments: &[&str]) -> Run {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sre-orch"));
    command.env_clear().env("HOME", home).env("XDG_CONFIG_HOME", home).current_dir(home);
    let output = command.args(arguments).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap_or(-1), text(output.stdout), text(output.stderr))
}

fn run(arguments: &[&str]) -> Run {
    run_in(tempfile::tempdir().unwrap().path(), arguments)
}

/// Name and archive of every recorded incident.
fn incidents() -> Vec<(String, PathBuf)> {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    let found: Vec<_> = incident::find(&fixtures)
        .iter()
        .map(|file| {
            let directory = file.parent().unwrap();
            let name = directory.file_name().unwrap().to_string_lossy().into_owned();
            (name, directory.join("bundle.tar.gz"))
        })
        .collect();
    assert!(!found.is_empty());
    found
}

fn report(out: &str) -> Value {
    serde_json::from_str(out).unwrap_or_else(|error| panic!("{error}: {out}"))
}

/// A report without what differs from run to run and from source to source.
fn comparable(out: &str) -> Value {
    let mut report = report(out);
    for field in ["id", "generated_at", "stats", "source"] {
        assert!(report.as_object_mut().unwrap().remove(field).is_some(), "{field}");
    }
    report
}

const DESCRIPTION: &str = "something is wrong";

#[test]
fn a_cluster_and_its_snapshot_give_the_same_report() {
    for (name, bundle) in incidents() {
        let server = ApiServer::of(&bundle, Vec::new());
        let kubeconfig = server.kubeconfig();
        let live =
            run(&["investigate", "-o", "json", "--kubeconfig", kubeconfig.to_str().unwrap(), DESCRIPTION]);
        let offline = run(&["investigate", "-o", "json", "--bundle", bundle.to_str().unwrap(), DESCRIPTION]);
        assert_eq!((live.0, offline.0), (0, 0), "{name}: {} {}", live.2, offline.2);
        let (live, offline) = (comparable(&live.1), comparable(&offline.1));
        for field in offline.as_object().unwrap().keys() {
            assert_eq!(live[field], offline[field], "{name}: {field}");
        }
    }
}

#[test]
fn a_written_snapshot_gives_the_same_report() {
    for (name, bundle) in incidents() {
        let home = tempfile::tempdir().unwrap();
        let server = ApiServer::of(&bundle, Vec::new());
        let kubeconfig = server.kubeconfig();
        let (code, _, err) = run_in(
            home.path(),
            &["snapshot", "--kubeconfig", kubeconfig.to_str().unwrap(), "-f", "copy.tar.gz"],
        );
        assert_eq!(code, 0, "{name}: {err}");
        let first = run(&["investigate", "-o", "json", "--bundle", bundle.to_str().unwrap(), DESCRIPTION]);
        let copy =
            run_in(home.path(), &["investigate", "-o", "json", "--bundle", "copy.tar.gz", DESCRIPTION]);
        assert_eq!(copy.0, 0, "{name}: {}", copy.2);
        let (first, copy) = (comparable(&first.1), comparable(&copy.1));
        for field in ["verdict", "hypotheses"] {
            assert_eq!(copy[field], first[field], "{name}: {field}");
        }
    }
}

#[test]
fn with_pods_alone_there_is_a_report_with_blind_spots() {
    let server = ApiServer::start(&shop(), vec![Rule::always("!/pods", Fault::Forbidden)]);
    let kubeconfig = server.kubeconfig();
    let (code, out, err) =
        run(&["investigate", "-o", "json", "--kubeconfig", kubeconfig.to_str().unwrap(), DESCRIPTION]);
    assert_eq!(code, 0, "{err}");
    let report = report(&out);
    let spots = report["blind_spots"].as_array().unwrap();
    assert!(spots.iter().any(|spot| spot["rbac"]["verbs"].is_array()), "{spots:?}");
    assert_eq!(report["hypotheses"][0]["object"]["name"], "web", "{out}");
}

#[test]
fn whatever_goes_wrong_between_ends_in_time_with_a_report_or_one_line() {
    let faults: [(&'static str, Fault); 9] = [
        ("429", Fault::TooMany(1)),
        ("500", Fault::Broken),
        ("401", Fault::Unauthorized),
        ("403", Fault::Forbidden),
        ("410", Fault::Gone),
        ("stall", Fault::Stall),
        ("cut", Fault::Cut),
        ("cut without a word", Fault::CutSilently),
        ("nonsense", Fault::Nonsense),
    ];
    let timeout = Duration::from_secs(4);
    std::thread::scope(|scope| {
        for (name, fault) in faults {
            for path in ["", "/pods", "/events", "!/version"] {
                scope.spawn(move || {
                    let server = ApiServer::start(&shop(), vec![Rule::always(path, fault)]);
                    let kubeconfig = server.kubeconfig();
                    let start = Instant::now();
                    let (code, out, err) = run(&[
                        "investigate",
                        "-o",
                        "json",
                        "--timeout",
                        "4s",
                        "--kubeconfig",
                        kubeconfig.to_str().unwrap(),
                    ]);
                    let what = format!("{name} on {path:?}: {code} {err}");
                    assert!(start.elapsed() < timeout * 3, "{what}: {:?}", start.elapsed());
                    assert!(!err.contains("panicked"), "{what}");
                    match code {
                        0 => assert!(report(&out)["verdict"].is_string(), "{what}"),
                        1 => assert!(out.is_empty() && err.starts_with("error: "), "{what}"),
                        _ => panic!("{what}"),
                    }
                });
            }
        }
    });
}
