//! The manifests under `deploy/` say what the program needs.

use std::process::Command;

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::Service;
use serde::Deserialize;
use serde_yaml::Value;

fn read(name: &str) -> String {
    std::fs::read_to_string(format!("{}/deploy/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

fn output(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_sre-orch")).args(arguments).output().unwrap();
    String::from_utf8(output.stdout).unwrap()
}

/// `UPDATE=1` writes the role anew.
#[test]
fn the_role_is_what_rbac_prints() {
    let role = output(&["rbac"]);
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(format!("{}/deploy/clusterrole.yaml", env!("CARGO_MANIFEST_DIR")), &role).unwrap();
    }
    assert_eq!(read("clusterrole.yaml"), role);
}

#[test]
fn the_manifests_fit_the_program() {
    let text = read("sre-orch.yaml");
    let documents: Vec<Value> = serde_yaml::Deserializer::from_str(&text)
        .map(|document| Value::deserialize(document).unwrap())
        .collect();
    let of = |kind: &str| documents.iter().find(|document| document["kind"] == kind).unwrap().clone();
    let deployment: Deployment = serde_yaml::from_value(of("Deployment")).unwrap();
    let service: Service = serde_yaml::from_value(of("Service")).unwrap();
    let template = deployment.spec.template;
    assert_eq!(service.spec.unwrap().selector, template.metadata.unwrap().labels);
    let pod = template.spec.unwrap();
    let container = &pod.containers[0];
    let help = output(&["serve", "--help"]);
    let arguments = container.args.as_ref().unwrap();
    for flag in arguments
        .iter()
        .filter_map(|argument| argument.split('=').next())
        .filter(|flag| flag.starts_with("--"))
    {
        assert!(help.contains(flag), "{flag}");
    }
    for (probe, path) in [(&container.readiness_probe, "/readyz"), (&container.liveness_probe, "/healthz")] {
        assert_eq!(probe.as_ref().unwrap().http_get.as_ref().unwrap().path.as_deref(), Some(path));
    }
    assert!(pod.termination_grace_period_seconds.unwrap() > 22, "longer than it drains");
}
