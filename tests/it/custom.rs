//! Custom resources are read where they are served, and the same from a cluster and a snapshot.

use std::path::Path;

use serde_json::{Value, json};
use sre_orch::agent::snapshot_write::write_snapshot;
use sre_orch::agent::{Request, Source};

use crate::api_server::{ApiServer, Fault, Rule};
use crate::binary::run_in;
use crate::fixture::{self, Files, shop};
use crate::load;

const DESCRIPTION: &str = "certificate shop-tls is not ready";

fn condition(status: &str, reason: &str, message: &str) -> Value {
    json!({"conditions": [{"type": "Ready", "status": status, "reason": reason, "message": message,
        "lastTransitionTime": "2026-03-01T10:00:00Z"}]})
}

fn add(files: &mut Files, path: &str, items: &[Value]) {
    let list = json!({"kind": "List", "apiVersion": "v1", "items": items}).to_string();
    files.push((format!("cluster-resources/{path}.json"), list.into_bytes()));
}

/// The shop with a certificate whose issuer does not work; and a release, which nobody serves.
fn secured(served: &[&str]) -> Files {
    let mut files = shop();
    let meta =
        |name: &str| json!({"name": name, "namespace": "shop", "creationTimestamp": "2026-03-01T09:00:00Z"});
    let certificate = json!({"kind": "Certificate", "metadata": meta("shop-tls"),
        "spec": {"secretName": "shop-tls", "issuerRef": {"name": "letsencrypt"}, "token": "s3cr3t-value"},
        "status": condition("False", "DoesNotExist", "Issuing certificate as Secret does not exist")});
    let issuer = json!({"kind": "Issuer", "metadata": meta("letsencrypt"),
        "status": condition("False", "ErrRegisterACMEAccount", "invalid contact domain")});
    let release = json!({"kind": "HelmRelease", "metadata": meta("shop"),
        "status": condition("False", "UpgradeFailed", "no such chart")});
    add(&mut files, "custom-resources/certificates.cert-manager.io/shop", &[certificate]);
    add(&mut files, "custom-resources/issuers.cert-manager.io/shop", &[issuer]);
    add(&mut files, "custom-resources/helmreleases.helm.toolkit.fluxcd.io/shop", &[release]);
    let service = |group: &&str| json!({"kind": "APIService", "metadata": {"name": format!("v1.{group}")}, "spec": {"group": group, "version": "v1"}});
    if !served.is_empty() {
        add(&mut files, "apiservices", &served.iter().map(service).collect::<Vec<_>>());
    }
    files
}

fn investigate(source: &[&str], more: &[&str]) -> Value {
    let home = tempfile::tempdir().unwrap();
    let arguments = ["investigate", "-o", "json", DESCRIPTION];
    let (code, out, err) = run_in(home.path(), &[&arguments[..], source, more].concat());
    assert_eq!(code, 0, "{err}");
    serde_json::from_str(&out).unwrap()
}

fn of_cluster(server: &ApiServer, more: &[&str]) -> Value {
    investigate(&["--kubeconfig", server.kubeconfig().to_str().unwrap()], more)
}

fn of_bundle(path: &Path) -> Value {
    investigate(&["--bundle", path.to_str().unwrap()], &[])
}

/// Cause and object of the first hypothesis.
fn first(report: &Value) -> String {
    let hypothesis = &report["hypotheses"][0];
    format!("{} {} {}", hypothesis["cause"], hypothesis["object"]["kind"], hypothesis["object"]["name"])
        .replace('"', "")
}

const CAUSE: &str = "certificate-not-issued Issuer letsencrypt";

#[test]
fn only_what_is_served_is_asked_for() {
    let server = ApiServer::start(&secured(&["apps", "cert-manager.io"]), Vec::new());
    let report = of_cluster(&server, &[]);
    assert_eq!(first(&report), CAUSE, "{report:#}");
    let asked = |text: &str| server.requests().iter().filter(|(path, _)| path.contains(text)).count();
    assert_eq!(asked("/apis/cert-manager.io/v1/certificates"), 1);
    // Served by the group but not there: no blind spot.
    assert_eq!(asked("/apis/cert-manager.io/v1/clusterissuers"), 1);
    assert_eq!(asked("fluxcd.io") + asked("acme.cert-manager.io") + asked("keda.sh"), 0);
    let blind = report["blind_spots"].to_string();
    assert!(!blind.contains("cert-manager"), "{blind}");
}

#[test]
fn in_chosen_namespaces_only_their_resources_are_read() {
    let server = ApiServer::start(&secured(&["cert-manager.io"]), Vec::new());
    assert_eq!(first(&of_cluster(&server, &["-n", "shop"])), CAUSE);
    let requests = server.requests();
    let mut lists = requests.iter().filter(|(path, _)| path.contains("/certificates"));
    assert!(
        lists.all(|(path, _)| path.starts_with("/apis/cert-manager.io/v1/namespaces/shop/")),
        "{requests:?}"
    );
}

#[test]
fn a_cluster_without_these_groups_is_not_asked() {
    let server = ApiServer::start(&secured(&["apps"]), Vec::new());
    of_cluster(&server, &[]);
    let requests = server.requests();
    assert!(requests.iter().all(|(path, _)| !path.contains("cert-manager") && !path.contains("flux")));
}

#[test]
fn what_is_refused_is_one_blind_spot_with_its_rule() {
    let rules = vec![Rule::always("/cert-manager.io/", Fault::Forbidden)];
    let server = ApiServer::start(&secured(&["cert-manager.io"]), rules);
    let report = of_cluster(&server, &[]);
    let spots: Vec<&Value> = report["blind_spots"].as_array().unwrap().iter().collect();
    let spots: Vec<&&Value> =
        spots.iter().filter(|spot| spot["rbac"]["apiGroups"][0] == "cert-manager.io").collect();
    assert_eq!(spots.len(), 1, "{report:#}");
    assert!(
        spots[0]["rbac"]["resources"].as_array().unwrap().contains(&"certificates".into()),
        "{}",
        spots[0]
    );
}

#[test]
fn triage_finds_them_as_a_full_read_does() {
    let server = ApiServer::start(&load::surround(secured(&["cert-manager.io"]), 1000), Vec::new());
    let hypotheses = |more: &[&str]| {
        let report = of_cluster(&server, more);
        let causes = report["hypotheses"].as_array().unwrap().iter();
        causes
            .map(|one| (one["cause"].clone(), one["object"].clone(), one["confidence"].clone()))
            .collect::<Vec<_>>()
    };
    let triaged = hypotheses(&[]);
    assert!(!triaged.is_empty());
    assert_eq!(triaged, hypotheses(&["--no-triage"]));
}

#[tokio::test]
async fn a_snapshot_that_is_written_reads_back_the_same() {
    let directory = tempfile::tempdir().unwrap();
    let original = fixture::write(directory.path(), &secured(&[]));
    let written = directory.path().join("out.tar.gz");
    write_snapshot(&Source::snapshot(&original).unwrap(), &Request::default(), &written).await.unwrap();
    let text = String::from_utf8_lossy(&unpacked(&written)).into_owned();
    assert!(text.contains("custom-resources/certificates.cert-manager.io/shop.json"));
    assert!(!text.contains("s3cr3t-value"));
    let (mut before, mut after) = (of_bundle(&original), of_bundle(&written));
    assert_eq!(first(&before), CAUSE, "{before:#}");
    for report in [&mut before, &mut after] {
        for part in ["id", "generated_at", "stats", "source", "blind_spots"] {
            report.as_object_mut().unwrap().remove(part);
        }
    }
    assert_eq!(before, after);
}

fn unpacked(archive: &Path) -> Vec<u8> {
    let mut bytes = Vec::new();
    let file = std::fs::File::open(archive).unwrap();
    std::io::Read::read_to_end(&mut flate2::read::GzDecoder::new(file), &mut bytes).unwrap();
    bytes
}
