//! Variants of faults and healthy clusters under `tests/variants`: other kinds of object, older and
//! newer wordings, events that expired, several faults at once, noise that must stay quiet.

use std::path::Path;

use sre_orch::graph_test;
use sre_orch::knowledge::Graph;
use sre_orch::knowledge::schema::InlineTest;

#[test]
fn every_variant_gets_its_cause_and_noise_none() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/variants");
    let mut files: Vec<_> =
        std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let graph = Graph::bundled().unwrap();
    let only = std::env::var("VARIANT").unwrap_or_default();
    let (mut failed, mut count) = (Vec::new(), 0);
    for file in &files {
        let text = std::fs::read_to_string(file).unwrap();
        let cases: Vec<InlineTest> =
            serde_yaml::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let picked: Vec<InlineTest> = cases.into_iter().filter(|case| case.name.contains(&only)).collect();
        count += picked.len();
        for result in graph_test::run_cases(&graph, &picked) {
            if let Some(failure) = result.failure {
                let name = file.file_stem().unwrap_or_default().to_string_lossy();
                failed.push(format!("{name}: {}: {failure}", result.name));
            }
        }
    }
    assert!(failed.is_empty(), "{} of {count} failed:\n{}", failed.len(), failed.join("\n"));
}
