//! What ends a run early: each has its exit status and one line that says what to try.

use std::io::Write;
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;

use crate::api_server::{ApiServer, Fault, Rule};
use crate::binary::run_in;
use crate::fixture::{self, shop};

/// A kubeconfig with one context, `test`.
fn kubeconfig(home: &Path, server: &str, user: &str) -> PathBuf {
    let path = home.join("kubeconfig");
    let text = format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: test\n\
         clusters: [{{name: c, cluster: {{server: '{server}'}}}}]\n\
         contexts: [{{name: test, context: {{cluster: c, user: u}}}}]\n\
         users: [{{name: u, user: {user}}}]\n"
    );
    std::fs::write(&path, text).unwrap();
    path
}

/// Runs an investigation that fails; gives its line.
fn failure(home: &Path, arguments: &[&str]) -> String {
    let (code, out, err) = run_in(home, &[&["investigate", "-o", "json"], arguments].concat());
    assert_eq!((code, out.as_str()), (1, ""), "{arguments:?}: {err}");
    assert!(err.starts_with("error: "), "{arguments:?}: {err}");
    err
}

#[test]
fn a_cluster_that_cannot_be_used_says_why_and_what_to_try() {
    let home = tempfile::tempdir().unwrap();
    let connect = |server: &str, user: &str| {
        let path = kubeconfig(home.path(), server, user);
        failure(home.path(), &["--kubeconfig", path.to_str().unwrap(), "--timeout", "5s"])
    };
    // Nothing listens on a port that has just been closed.
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let refused = connect(&format!("http://{closed}"), "{}");
    assert!(refused.contains("connection refused") && refused.contains("current-context"), "{refused}");
    let nowhere = connect("http://no-such-host.invalid", "{}");
    assert!(nowhere.contains("no-such-host.invalid"), "{nowhere}");
    let plugin = "{exec: {apiVersion: client.authentication.k8s.io/v1, command: no-such-plugin, interactiveMode: Never}}";
    let plugin = connect(&format!("http://{closed}"), plugin);
    assert!(plugin.contains("credential plugin failed"), "{plugin}");
    assert_eq!(refused.lines().count(), 1, "{refused}");
}

#[test]
fn a_wrong_context_names_the_right_ones() {
    let home = tempfile::tempdir().unwrap();
    let path = kubeconfig(home.path(), "http://127.0.0.1:1", "{}");
    let err = failure(home.path(), &["--kubeconfig", path.to_str().unwrap(), "--context", "prod"]);
    assert!(err.contains("`prod`") && err.contains("--context: test"), "{err}");
}

#[test]
fn no_kubeconfig_and_a_damaged_one_are_told_apart() {
    let home = tempfile::tempdir().unwrap();
    let none = failure(home.path(), &[]);
    assert!(none.contains("no kubeconfig") && none.contains("--bundle"), "{none}");
    std::fs::write(home.path().join("damaged"), "clusters: [").unwrap();
    let damaged = failure(home.path(), &["--kubeconfig", "damaged"]);
    assert!(damaged.contains("damaged") && damaged.contains("kubectl config view"), "{damaged}");
}

#[test]
fn an_expired_token_and_refused_access_say_so() {
    let home = tempfile::tempdir().unwrap();
    for (fault, said) in [(Fault::Unauthorized, "log in again"), (Fault::Forbidden, "sre-orch doctor")] {
        let server = ApiServer::start(&shop(), vec![Rule::always("/", fault)]);
        let err = failure(home.path(), &["--kubeconfig", server.kubeconfig().to_str().unwrap()]);
        assert!(err.contains(said), "{fault:?}: {err}");
    }
}

#[test]
fn a_namespace_that_does_not_exist_gives_the_closest() {
    let home = tempfile::tempdir().unwrap();
    let bundle = fixture::write(home.path(), &shop());
    let err = failure(home.path(), &["--bundle", bundle.to_str().unwrap(), "-n", "shopp"]);
    assert!(err.contains("`shopp` does not exist") && err.contains("shop"), "{err}");
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// A tar of one entry, written raw: what a writer would refuse.
fn tar_of(path: &str, kind: tar::EntryType, link: &str, claimed: u64, content: &[u8]) -> Vec<u8> {
    let mut header = tar::Header::new_ustar();
    header.as_mut_bytes()[..path.len()].copy_from_slice(path.as_bytes());
    header.as_mut_bytes()[157..157 + link.len()].copy_from_slice(link.as_bytes());
    header.set_entry_type(kind);
    header.set_size(claimed);
    header.set_cksum();
    let mut bytes = header.as_bytes().to_vec();
    bytes.extend_from_slice(content);
    bytes.resize(bytes.len().next_multiple_of(512) + 1024, 0);
    bytes
}

#[test]
fn a_snapshot_that_cannot_be_read_is_one_error() {
    let home = tempfile::tempdir().unwrap();
    std::fs::create_dir(home.path().join("empty")).unwrap();
    let whole = fixture::archive(&shop());
    let zeros = vec![0; 100 << 20];
    let file = tar::EntryType::Regular;
    let pods = "b/cluster-resources/pods/shop.json";
    let archives: [(&str, Vec<u8>, &str); 8] = [
        ("nothing.tar.gz", gzip(&[0; 1024]), "no files"),
        ("text.txt", b"hello, this is no archive".to_vec(), "damaged or no tar"),
        ("cut.tar.gz", whole[..whole.len() / 2].to_vec(), "damaged"),
        ("out.tar", tar_of("../../etc/passwd", file, "", 1, b"x"), "leads out"),
        ("link.tar", tar_of("b/link", tar::EntryType::Symlink, "/etc/passwd", 0, b""), "links out"),
        ("hard.tar", tar_of("b/link", tar::EntryType::Link, "/etc/passwd", 0, b""), "hard link"),
        ("bomb.tar.gz", gzip(&tar_of(pods, file, "", 1 << 30, &zeros)), "expands more than"),
        ("zip.zip", b"PK\x03\x04and so on".to_vec(), "zip"),
    ];
    for (name, bytes, said) in archives {
        std::fs::write(home.path().join(name), bytes).unwrap();
        let err = failure(home.path(), &["--bundle", name]);
        assert!(err.contains(name) && err.contains(said), "{name}: {err}");
    }
    for (name, said) in [("empty", "no files"), ("missing", "missing")] {
        let err = failure(home.path(), &["--bundle", name]);
        assert!(err.contains(said), "{name}: {err}");
    }
}

#[test]
fn bytes_that_are_no_text_end_in_a_report() {
    let home = tempfile::tempdir().unwrap();
    let mut files = shop();
    for (path, content) in &mut files {
        if path.ends_with(".log") {
            *content = b"\xff\xfe\x00panic: \x1b[31mno route\xf0\x28\n\xc3".repeat(50);
        }
    }
    let bundle = fixture::write(home.path(), &files);
    for format in ["table", "json", "markdown", "junit"] {
        let (code, out, err) =
            run_in(home.path(), &["investigate", "-o", format, "--bundle", bundle.to_str().unwrap()]);
        assert_eq!((code, err.as_str()), (0, ""), "{format}");
        assert!(!out.is_empty() && !out.contains('\u{1b}') && !out.contains('\0'), "{format}: {out}");
    }
}

#[test]
fn findings_are_three_and_what_cannot_be_told_is_one_with_fail_on() {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    let home = tempfile::tempdir().unwrap();
    let code = |name: &str, level: &str, more: &[&str]| {
        let bundle = fixtures.join(name).join("bundle.tar.gz");
        let arguments =
            ["investigate", "-o", "junit", "--fail-on", level, "--bundle", bundle.to_str().unwrap()];
        run_in(home.path(), &[&arguments[..], more].concat()).0
    };
    assert_eq!(code("checkout-missing-env", "high", &[]), 3);
    assert_eq!(code("healthy-redis", "low", &[]), 0);
    assert_eq!(code("healthy-redis", "low", &["orders-api-v9 crashes"]), 1);
}
