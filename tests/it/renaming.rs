//! Names decide nothing: an incident whose namespaces, workloads, nodes and label values are renamed
//! consistently gets the same answer.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::path::Path;

use flate2::read::GzDecoder;
use regex::{Captures, Regex};
use serde_json::Value;
use sre_orch::agent::Source;
use sre_orch::graph_test::incident;
use sre_orch::knowledge::Graph;
use sre_orch::pipeline::{self, Silent};
use sre_orch::report::model::Report;

use crate::fixture::{self, Files};
use crate::incidents::{fixtures, request};

/// Names that mean the same in every cluster.
const COMMON: [&str; 4] = ["default", "kube-system", "kube-public", "kube-node-lease"];
/// Fields whose values are Kubernetes' own words.
const WORDS: [&str; 8] = ["kind", "apiVersion", "reason", "type", "phase", "status", "operator", "effect"];

/// The files of an archive, without its top directory.
pub(crate) fn read(bundle: &Path) -> Files {
    let mut archive = tar::Archive::new(GzDecoder::new(std::fs::File::open(bundle).unwrap()));
    let entries = archive.entries().unwrap().map(|entry| {
        let mut entry = entry.unwrap();
        let path = entry.path().unwrap().into_owned();
        let path: std::path::PathBuf = path.components().skip(1).collect();
        let mut content = Vec::new();
        entry.read_to_end(&mut content).unwrap();
        (path.display().to_string(), content)
    });
    entries.filter(|(_, content)| !content.is_empty()).collect()
}

/// Names of namespaces, nodes, workloads and Services, and the values of the workloads' own labels.
fn names(files: &Files) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for (path, content) in files {
        let Some(kind) = path.strip_prefix("cluster-resources/") else { continue };
        let kind = kind.split(['/', '.']).next().unwrap();
        let known = ["namespaces", "nodes", "deployments", "statefulsets", "daemonsets", "jobs", "services"];
        let Ok(list) = serde_json::from_slice::<Value>(content) else { continue };
        for item in list["items"].as_array().into_iter().flatten().filter(|_| known.contains(&kind)) {
            if item["metadata"]["namespace"].as_str().is_some_and(|namespace| COMMON.contains(&namespace)) {
                continue;
            }
            let labels = item["spec"]["template"]["metadata"]["labels"].as_object();
            let own = labels.into_iter().flatten().filter(|(key, _)| !key.contains('/'));
            let values = own.map(|(_, value)| value).chain([&item["metadata"]["name"]]);
            names.extend(values.filter_map(Value::as_str).map(str::to_owned));
        }
    }
    names.retain(|name| name.len() > 2 && !COMMON.contains(&name.as_str()));
    names
}

/// New names, part by part, so that what is related stays related.
struct Renaming {
    names: Regex,
    parts: BTreeMap<String, String>,
}

impl Renaming {
    fn new(names: &BTreeSet<String>) -> Self {
        let mut parts = BTreeMap::new();
        for part in names.iter().flat_map(|name| name.split('-')) {
            let number: usize = parts.len() + 7;
            let word: String = [number % 19, number % 17, number % 13]
                .map(|index| {
                    ["zor", "bim", "quel", "fa", "dut", "wex", "lin", "pho", "gar", "nub"][index % 10]
                })
                .concat();
            parts
                .entry(part.to_owned())
                .or_insert_with(|| format!("{word}{}", (b'a' + number as u8 % 26) as char));
        }
        let mut longest: Vec<String> = names.iter().map(|name| regex::escape(name)).collect();
        longest.sort_by_key(|name| std::cmp::Reverse(name.len()));
        let names = Regex::new(&format!(r"(^|[^A-Za-z0-9])({})\b", longest.join("|"))).unwrap();
        Self { names, parts }
    }

    fn text(&self, text: &str) -> String {
        let new = |found: &Captures<'_>| {
            let parts = found[2].split('-').map(|part| match part.parse::<u32>() {
                Ok(_) => part,
                Err(_) => self.parts[part].as_str(),
            });
            format!("{}{}", &found[1], parts.collect::<Vec<_>>().join("-"))
        };
        // Twice: neighbours share the character between them.
        self.names.replace_all(&self.names.replace_all(text, new), new).into_owned()
    }

    fn value(&self, field: &str, value: &mut Value) {
        match value {
            Value::String(text) if !WORDS.contains(&field) => *text = self.text(text),
            Value::Array(values) => values.iter_mut().for_each(|value| self.value(field, value)),
            Value::Object(fields) => {
                // Labels of Kubernetes itself keep their values, but for a node's own name.
                let kept = |key: &str| key.contains("kubernetes.io/") && !key.ends_with("/hostname");
                fields
                    .iter_mut()
                    .filter(|(key, _)| !kept(key))
                    .for_each(|(key, value)| self.value(key, value));
            }
            _ => {}
        }
    }

    fn path(&self, path: &str) -> String {
        match path.strip_prefix("cluster-resources/").and_then(|rest| rest.split_once('/')) {
            Some((kind, rest)) => format!("cluster-resources/{kind}/{}", self.text(rest)),
            None => path.to_owned(),
        }
    }

    fn files(&self, files: &Files) -> Files {
        let renamed = files.iter().map(|(path, content)| {
            let text = String::from_utf8_lossy(content);
            let content = match serde_json::from_str::<Value>(&text) {
                Ok(mut value) => {
                    self.value("", &mut value);
                    value.to_string()
                }
                Err(_) => self.text(&text),
            };
            (self.path(path), content.into_bytes())
        });
        renamed.collect()
    }
}

async fn investigate(bundle: &Path, description: &str, namespaces: Vec<String>) -> Report {
    let graph = Graph::bundled().unwrap();
    let mut request = request(description);
    request.namespaces = namespaces;
    pipeline::investigate(Source::snapshot(bundle).unwrap(), &graph, &request, &Silent).await.unwrap()
}

/// Verdict, and cause, object and level of the first hypothesis.
fn answer(report: &Report) -> String {
    let first = report.hypotheses.first();
    let first = first.map(|one| format!("{} {} {:?}", one.cause, one.object, one.confidence.level));
    format!("{:?} {}", report.verdict, first.unwrap_or_default())
}

#[tokio::test]
async fn renamed_incidents_get_the_same_answer() {
    let mut changed = 0;
    for file in incident::find(&fixtures()) {
        let expected: incident::Expected =
            serde_yaml::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap();
        let bundle = file.parent().unwrap().join("bundle.tar.gz");
        let files = read(&bundle);
        let names = names(&files);
        assert!(!names.is_empty(), "{}", file.display());
        let renaming = Renaming::new(&names);
        let directory = tempfile::tempdir().unwrap();
        let renamed = fixture::write(directory.path(), &renaming.files(&files));
        let before = investigate(&bundle, &expected.description, expected.namespaces.clone()).await;
        let namespaces = expected.namespaces.iter().map(|name| renaming.text(name)).collect();
        let after = investigate(&renamed, &renaming.text(&expected.description), namespaces).await;
        assert_eq!(answer(&after), renaming.text(&answer(&before)), "{}", file.display());
        changed += usize::from(answer(&after) != answer(&before));
    }
    assert!(changed >= 10, "only {changed} answers name something that was renamed");
}
