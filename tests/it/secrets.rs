//! Credentials planted wherever a cluster can hold one reach no output of the binary.

use std::io::Read;
use std::path::Path;

use flate2::read::GzDecoder;
use serde_json::{Value, json};

use crate::api_server::ApiServer;
use crate::binary::run_in;
use crate::fixture::{self, Files, shop};

/// What no output may contain; its Base64 form too.
const CANARY: &str = "Zq7canaryX93";
const ENCODED: &str = "WnE3Y2FuYXJ5WDkz";

const LOG: &str = "\
connecting to postgres://web:Zq7canaryX93@orders-db:5432/shop\n\
Authorization: Bearer Zq7canaryX93.Zq7canaryX93.Zq7canaryX93\n\
-----BEGIN RSA PRIVATE KEY-----\nZq7canaryX93\nZq7canaryX93\n-----END RSA PRIVATE KEY-----\n\
{\"level\":\"error\",\"msg\":\"cannot open\",\"password\":\"Zq7canaryX93\"}\n\
fatal: dial tcp: lookup orders-db: no such host (dsn postgres://web:Zq7canaryX93@orders-db:5432/shop)\n";

/// The shop, its crashing pod full of credentials.
fn planted() -> Files {
    let mut files = shop();
    for (path, content) in &mut files {
        if path.ends_with("/web/app.log") || path.ends_with("/web/app-previous.log") {
            *content = LOG.into();
            continue;
        }
        let Ok(mut list) = serde_json::from_slice::<Value>(content) else { continue };
        for item in list["items"].as_array_mut().into_iter().flatten() {
            plant(path, item);
        }
        *content = list.to_string().into_bytes();
    }
    files
}

fn plant(path: &str, item: &mut Value) {
    let applied = json!({"data": {"password": CANARY}, "stringData": CANARY}).to_string();
    item["metadata"]["annotations"] = json!({
        "kubectl.kubernetes.io/last-applied-configuration": applied,
        "example.com/api-token": CANARY,
    });
    let env = json!([
        {"name": "DB_PASSWORD", "value": CANARY},
        {"name": "DATABASE_URL", "value": format!("postgres://web:{CANARY}@orders-db:5432/shop")},
    ]);
    let arguments = json!(["--listen=:8080", format!("--password={CANARY}"), "--token", CANARY]);
    if path.contains("/pods/") {
        item["spec"]["containers"][0]["env"] = env;
        item["spec"]["containers"][0]["args"] = arguments;
        item["status"]["containerStatuses"][0]["lastState"]["terminated"]["message"] =
            json!(format!("giving up, password={CANARY}"));
    } else if path.contains("/deployments/") {
        item["spec"]["template"]["spec"]["containers"] =
            json!([{"name": "app", "image": "app:1", "env": env, "args": arguments}]);
    } else if path.contains("/secrets/") {
        item["data"] = json!({"password": ENCODED});
        item["stringData"] = json!({"password": CANARY});
    } else if path.contains("/configmaps/") {
        item["data"] = json!({"api_token": CANARY, "url": format!("https://web:{CANARY}@orders-db/")});
    } else if path.contains("/events/") {
        item["message"] = json!(format!("Back-off pulling with token={CANARY} from https://u:{CANARY}@r/"));
    }
}

/// Where a credential stands in a text.
fn leak(text: &str) -> Option<&str> {
    text.lines().find(|line| line.contains(CANARY) || line.contains(ENCODED))
}

#[test]
fn no_format_no_log_and_no_transport_shows_a_credential() {
    let home = tempfile::tempdir().unwrap();
    let bundle = fixture::write(home.path(), &planted());
    let server = ApiServer::start(&planted(), Vec::new());
    let kubeconfig = server.kubeconfig();
    let sources = [["--bundle", bundle.to_str().unwrap()], ["--kubeconfig", kubeconfig.to_str().unwrap()]];
    let description = format!("web crashes, password={CANARY}");
    for source in sources {
        for format in ["table", "wide", "json", "yaml", "markdown", "junit"] {
            let arguments = [
                &["investigate", "-vvv", "--hygiene", "--top", "50", "-o", format][..],
                &source,
                &[description.as_str()],
            ]
            .concat();
            let (code, out, err) = run_in(home.path(), &arguments);
            assert_eq!(code, 0, "{err}");
            assert!(out.contains("orders-db"), "the log was not used: {out}");
            assert_eq!(leak(&out), None, "stdout of {arguments:?}");
            assert_eq!(leak(&err), None, "stderr of {arguments:?}");
        }
    }
}

#[test]
fn no_snapshot_holds_a_credential() {
    let home = tempfile::tempdir().unwrap();
    let server = ApiServer::start(&planted(), Vec::new());
    let kubeconfig = server.kubeconfig();
    let (code, out, err) = run_in(
        home.path(),
        &["snapshot", "-vvv", "--kubeconfig", kubeconfig.to_str().unwrap(), "-f", "copy.tar.gz"],
    );
    assert_eq!(code, 0, "{err}");
    assert_eq!((leak(&out), leak(&err)), (None, None));
    let mut names = Vec::new();
    for (name, content) in contents(&home.path().join("copy.tar.gz")) {
        assert_eq!(leak(&content), None, "{name}");
        assert!(!content.contains("last-applied-configuration"), "{name}");
        names.push(name);
    }
    for kind in ["secrets", "configmaps", "deployments", "events", "app.log"] {
        assert!(names.iter().any(|name| name.contains(kind)), "{kind} is missing from {names:?}");
    }
}

/// Path and text of every file of an archive.
fn contents(archive: &Path) -> Vec<(String, String)> {
    let mut archive = tar::Archive::new(GzDecoder::new(std::fs::File::open(archive).unwrap()));
    let read = |mut entry: tar::Entry<'_, GzDecoder<std::fs::File>>| {
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).unwrap();
        let name = entry.path().unwrap().display().to_string();
        (name, String::from_utf8_lossy(&bytes).into_owned())
    };
    archive.entries().unwrap().map(|entry| read(entry.unwrap())).collect()
}
