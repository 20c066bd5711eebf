//! The command line of the real binary: help, usage errors, configuration, streams and exit codes.

use std::io::Read;
use std::process::Stdio;

use assert_cmd::Command;

const COMMANDS: &[&[&str]] = &[
    &[],
    &["investigate"],
    &["serve"],
    &["snapshot"],
    &["graph"],
    &["graph", "lint"],
    &["graph", "list"],
    &["graph", "show"],
    &["graph", "test"],
    &["graph", "schema"],
    &["doctor"],
    &["rbac"],
    &["completions"],
    &["man"],
];

/// The binary in an environment of its own.
fn sre_orch(home: &std::path::Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sre-orch"));
    command.env_clear().env("HOME", home).env("XDG_CONFIG_HOME", home);
    command
}

/// Runs it and returns exit code, stdout and stderr.
fn run(arguments: &[&str], set_up: impl FnOnce(&mut Command, &std::path::Path)) -> (i32, String, String) {
    let home = tempfile::tempdir().unwrap();
    let mut command = sre_orch(home.path());
    command.args(arguments);
    set_up(&mut command, home.path());
    let output = command.output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap_or(-1), text(output.stdout), text(output.stderr))
}

#[test]
fn every_command_has_help() {
    for command in COMMANDS {
        let arguments: Vec<&str> = command.iter().copied().chain(["--help"]).collect();
        let (code, out, err) = run(&arguments, |_, _| {});
        assert_eq!((code, err.as_str()), (0, ""), "{arguments:?}");
        assert!(out.contains("Usage: sre-orch"), "{arguments:?}: {out}");
        assert!(!out.contains('\u{1b}'), "{arguments:?}");
    }
}

#[test]
fn wrong_usage_is_two() {
    for arguments in [
        &["--no-such-flag"][..],
        &["investigat"],
        &["investigate", "-o", "pdf"],
        &["investigate", "--since", "soon"],
        &["investigate", "--since", "-1h"],
        &["investigate", "--max-bytes", "0"],
        &["investigate", "--concurrency", "0"],
        &["investigate", "--top", "many"],
        &["investigate", "-A", "-n", "shop"],
        &["investigate", "-n", "Not A Name"],
        &["investigate", "--explain"],
        &["investigate", "--fail-on", "certain"],
        &["investigate", "--ignore", "missing.yaml"],
        &["investigate", "--config", "missing.yaml"],
        &["investigate", "one", "two"],
        &["snapshot"],
        &["serve", "--listen", "everywhere"],
        &["serve", "--tls-cert", "cert.pem"],
        &["serve", "--queue", "0"],
        &["serve", "--allow-origin", "*"],
        &["serve", "--token-file", "missing", "--bundle", "missing", "--workers", "0"],
        &["completions", "tcsh"],
        &["man", "nothing"],
        &["graph", "schema", "nothing"],
    ] {
        let (code, out, err) = run(arguments, |_, _| {});
        assert_eq!((code, out.as_str()), (2, ""), "{arguments:?}: {err}");
        assert!(err.starts_with("error:"), "{arguments:?}: {err}");
    }
}

#[test]
fn without_arguments_there_is_help() {
    let (code, _, err) = run(&[], |_, _| {});
    assert_eq!(code, 2);
    assert!(err.contains("Usage: sre-orch"));
}

#[test]
fn a_wrong_configuration_is_two_and_says_where() {
    let (code, _, err) = run(&["rbac"], |_, home| {
        std::fs::create_dir(home.join("sre-orch")).unwrap();
        std::fs::write(home.join("sre-orch/config.yaml"), "contxt: prod\n").unwrap();
    });
    assert_eq!(code, 2, "{err}");
    assert!(err.contains("config.yaml") && err.contains("contxt"), "{err}");
}

#[test]
fn ignored_findings_need_a_reason() {
    let (code, _, err) = run(&["investigate", "--ignore", "known.yaml"], |command, home| {
        std::fs::write(home.join("known.yaml"), "- {cause: x, object: Node/a, until: 2026-01-01}\n").unwrap();
        command.current_dir(home);
    });
    assert_eq!(code, 2);
    assert!(err.contains("known.yaml") && err.contains("until"), "{err}");
}

#[test]
fn a_closed_pipe_is_zero() {
    let mut child = std::process::Command::new(env!("CARGO_BIN_EXE_sre-orch"))
        .args(["completions", "zsh"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let mut err = String::new();
    child.stderr.take().unwrap().read_to_string(&mut err).unwrap();
    assert_eq!((child.wait().unwrap().code(), err.as_str()), (Some(0), ""));
}

#[test]
fn colours_follow_the_flag() {
    for (when, colored) in [("always", true), ("never", false), ("auto", false)] {
        let (_, _, err) = run(&["--color", when, "man", "nothing"], |_, _| {});
        assert_eq!(err.contains('\u{1b}'), colored, "{when}: {err:?}");
    }
}

/// A recorded cluster in which nothing is wrong.
fn healthy() -> String {
    format!("{}/tests/fixtures/healthy-redis/bundle.tar.gz", env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn what_cannot_be_done_is_one() {
    let healthy = healthy();
    for arguments in [
        &["investigate", "web is slow"][..],
        &["investigate", "--bundle", "missing.tar.gz"],
        &["investigate", "--bundle", &healthy, "-n", "no-such-namespace"],
        &["investigate", "--kubeconfig", "missing"],
        &["graph", "show", "no-such-mode"],
        &["doctor"],
    ] {
        let (code, out, err) = run(arguments, |_, _| {});
        assert_eq!(code, 1, "{arguments:?}: {err}");
        assert!(out.is_empty() || arguments == ["doctor"], "{arguments:?}: {out}");
        assert!(arguments == ["doctor"] || err.starts_with("error: "), "{arguments:?}: {err}");
    }
}

#[test]
fn a_report_is_the_only_thing_on_stdout() {
    let (code, out, err) = run(&["investigate", "--bundle", &healthy(), "-o", "json"], |_, _| {});
    let report: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!((code, report["kind"].as_str(), err.as_str()), (0, Some("Report"), ""));
}

#[test]
fn a_description_may_come_from_stdin() {
    let (code, out, _) = run(&["investigate", "--bundle", &healthy(), "-o", "yaml", "-"], |command, _| {
        command.write_stdin("is redis slow?\n");
    });
    assert_eq!(code, 0);
    assert!(out.contains("description: \"is redis slow?\"\n"), "{out}");
}

#[test]
fn flags_win_over_variables_over_the_file() {
    let settings = |arguments: &[&str], variable: Option<&str>| {
        let arguments: Vec<&str> = ["doctor"].iter().chain(arguments).copied().collect();
        let (_, out, _) = run(&arguments, |command, home| {
            std::fs::create_dir(home.join("sre-orch")).unwrap();
            std::fs::write(home.join("sre-orch/config.yaml"), "since: 4h\ntimeout: 5s\n").unwrap();
            variable.map(|value| command.env("SRE_ORCH_SINCE", value));
        });
        let line = out.lines().find(|line| line.trim_start().starts_with("since")).unwrap_or_default();
        line.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    assert_eq!(settings(&["--since", "2h"], Some("3h")), "since 2h flag");
    assert_eq!(settings(&[], Some("3h")), "since 3h environment");
    assert_eq!(settings(&[], None), "since 4h configuration file");
}

#[test]
fn the_plan_reads_nothing() {
    let (code, out, _) = run(&["investigate", "--plan", "--bundle", "missing.tar.gz"], |_, _| {});
    assert_eq!(code, 0);
    assert!(out.contains("missing.tar.gz") && out.contains("pods"), "{out}");
}

#[test]
#[cfg(unix)]
fn an_interruption_ends_it_within_a_second() {
    // A server that accepts and never answers.
    let server = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let home = tempfile::tempdir().unwrap();
    let kubeconfig = home.path().join("config");
    let cluster = format!("{{name: c, cluster: {{server: 'http://{}'}}}}", server.local_addr().unwrap());
    let context = "{name: c, context: {cluster: c, user: u}}";
    let text = format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: c\nclusters: [{cluster}]\ncontexts: [{context}]\n\
         users: [{{name: u, user: {{}}}}]\n"
    );
    std::fs::write(&kubeconfig, text).unwrap();
    let mut child = std::process::Command::new(env!("CARGO_BIN_EXE_sre-orch"))
        .args(["investigate", "--kubeconfig"])
        .arg(&kubeconfig)
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // It waits for the server once it has connected.
    let _connection = server.accept().unwrap();
    let start = std::time::Instant::now();
    let sent = std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(sent.success());
    let mut err = String::new();
    child.stderr.take().unwrap().read_to_string(&mut err).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130), "{err}");
    assert!(start.elapsed().as_millis() < 1000, "{:?}", start.elapsed());
    assert!(err.contains("interrupted") && err.contains("not finished"), "{err}");
}

#[test]
fn the_schema_of_reports_is_published() {
    let (code, out, _) = run(&["graph", "schema", "--report"], |_, _| {});
    let schema: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!((code, schema["title"].as_str()), (0, Some("Report")));
}

#[test]
fn rbac_prints_yaml() {
    for arguments in [&["rbac"][..], &["rbac", "-n", "shop"]] {
        let (code, out, _) = run(arguments, |_, _| {});
        let role: serde_json::Value = serde_yaml::from_str(&out).unwrap();
        assert_eq!((code, role["apiVersion"].as_str()), (0, Some("rbac.authorization.k8s.io/v1")));
    }
}

#[test]
fn manual_pages_are_roff() {
    for command in [&["man"][..], &["man", "graph", "test"]] {
        let (code, out, _) = run(command, |_, _| {});
        assert_eq!(code, 0);
        assert!(out.contains(".TH"), "{out}");
    }
}
