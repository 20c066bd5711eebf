//! Damaged input of every kind that is parsed: recorded texts with bytes flipped, cut, doubled and
//! spliced. Nothing may panic or hang; `MUTATIONS=100000` says how many of each, 400 by default.

use std::path::Path;

use serde_json::Value;
use sre_orch::agent::snapshot::{Bounds, Snapshot};
use sre_orch::cluster::logs::{Log, LogKey};
use sre_orch::cluster::quantity::Quantity;
use sre_orch::cluster::topology::Topology;
use sre_orch::cluster::{ClusterState, Kind};
use sre_orch::correlate::Focus;
use sre_orch::graph_test::incident;
use sre_orch::intent;
use sre_orch::knowledge::Graph;
use sre_orch::logs::LogIndex;
use sre_orch::pipeline;

use crate::fixture::{archive, shop};
use crate::incidents::fixtures;
use crate::renaming;

fn rounds() -> usize {
    std::env::var("MUTATIONS").ok().and_then(|text| text.parse().ok()).unwrap_or(400)
}

/// Numbers that are the same in every run.
struct Random(u64);

impl Random {
    fn next(&mut self, below: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % (below.max(1) as u64)).unwrap()
    }

    /// One to four small damages, sometimes with a piece of another text.
    fn damage(&mut self, text: &[u8], other: &[u8]) -> Vec<u8> {
        let mut bytes = text.to_vec();
        for _ in 0..=self.next(4) {
            let (at, end) = (self.next(bytes.len() + 1), self.next(bytes.len() + 1));
            let (at, end) = (at.min(end), at.max(end));
            match self.next(7) {
                0 if at < bytes.len() => bytes[at] ^= 1 << self.next(8),
                1 => drop(bytes.drain(at..end.min(at + 40))),
                2 => {
                    let piece = bytes[at..end.min(at + 40)].to_vec();
                    drop(bytes.splice(at..at, piece));
                }
                3 => {
                    let from = self.next(other.len());
                    let piece = other.iter().skip(from).take(40).copied();
                    drop(bytes.splice(at..end.min(at + 40), piece.collect::<Vec<_>>()));
                }
                4 => {
                    let odd: &[&[u8]] = &[
                        b"\0",
                        b"\xff\xfe",
                        "\u{202e}".as_bytes(),
                        b"\x1b[2J",
                        b"999999999999999999999",
                        b"((((",
                        b"%s",
                        b"-",
                    ];
                    drop(bytes.splice(at..at, odd[self.next(odd.len())].iter().copied()));
                }
                5 => bytes.truncate(end),
                _ => {
                    if at < bytes.len() {
                        bytes[at] = u8::try_from(self.next(256)).unwrap();
                    }
                }
            }
        }
        bytes
    }

    fn text(&mut self, texts: &[String]) -> String {
        let other = &texts[self.next(texts.len())];
        let text = &texts[self.next(texts.len())];
        let bytes = self.damage(text.as_bytes(), other.as_bytes());
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

/// The JSON lists and the logs of every recorded incident.
fn recorded() -> (Vec<(String, Value)>, Vec<String>) {
    let (mut lists, mut logs) = (Vec::new(), Vec::new());
    for file in incident::find(&fixtures()) {
        for (path, content) in renaming::read(&file.parent().unwrap().join("bundle.tar.gz")) {
            if path.ends_with(".log") {
                logs.push(String::from_utf8_lossy(&content).chars().take(3000).collect());
            } else if let Ok(list) = serde_json::from_slice(&content) {
                lists.push((path, list));
            }
        }
    }
    assert!(!lists.is_empty() && !logs.is_empty());
    (lists, logs)
}

/// Every text of a value that stands in a field of one of these names.
fn texts(value: &Value, fields: &[&str], found: &mut Vec<String>) {
    match value {
        Value::Array(values) => values.iter().for_each(|value| texts(value, fields, found)),
        Value::Object(object) => {
            for (field, value) in object {
                match value {
                    Value::String(text) if fields.contains(&field.as_str()) => found.push(text.clone()),
                    value => texts(value, fields, found),
                }
            }
        }
        _ => {}
    }
}

#[test]
fn descriptions() {
    let mut known: Vec<String> = vec![
        "[FIRING:1] KubePodCrashLooping checkout (namespace=shop)".to_owned(),
        "pods of deploy/web in namespace shop are slow since 14:00, not the db".to_owned(),
    ];
    for file in incident::find(&fixtures()) {
        let text = std::fs::read_to_string(file).unwrap();
        known.push(serde_yaml::from_str::<incident::Expected>(&text).unwrap().description);
    }
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    for _ in 0..rounds() {
        let text = random.text(&known);
        let _ = intent::parse(&text);
    }
}

#[test]
fn logs_of_containers() {
    let known = recorded().1;
    let mut random = Random(0xd1b5_4a32_d192_ed03);
    let key = LogKey {
        namespace: "shop".to_owned(),
        pod: "checkout".to_owned(),
        container: "server".to_owned(),
        previous: false,
    };
    for _ in 0..rounds() {
        let mut state = ClusterState::default();
        let text = random.text(&known);
        state.logs.insert(key.clone(), Log { text, ..Log::default() });
        state.finish();
        let _ = LogIndex::new(&state, &Topology::new(&state), None);
    }
}

#[test]
fn quantities() {
    let mut known = vec!["100m".to_owned(), "1.5Gi".to_owned(), "12e6".to_owned(), "0.1n".to_owned()];
    for (_, list) in recorded().0 {
        texts(&list, &["cpu", "memory", "ephemeral-storage", "storage", "pods"], &mut known);
    }
    let mut random = Random(0x2545_f491_4f6c_dd1d);
    for _ in 0..rounds() {
        let _ = random.text(&known).parse::<Quantity>();
    }
}

#[test]
fn messages_of_events_and_states() {
    let graph = Graph::bundled().unwrap();
    let mut random = Random(0x6c62_272e_07bb_0142);
    let mut damaged = 0;
    'all: loop {
        for file in incident::find(&fixtures()) {
            let mut state = ClusterState::default();
            for (path, mut list) in lists(file.parent().unwrap()) {
                let plural = path.trim_start_matches("cluster-resources/").split(['/', '.']).next().unwrap();
                let Some(kind) = Kind::ALL.iter().find(|kind| kind.plural() == plural) else { continue };
                for item in list["items"].as_array_mut().into_iter().flatten() {
                    damaged += damage_messages(item, &mut random);
                    let _ = state.add_json(kind, &item.to_string());
                }
            }
            state.finish();
            let topology = Topology::new(&state);
            let _ = pipeline::analyze(&state, &topology, &graph, &Focus::default(), None);
            if damaged >= rounds() {
                break 'all;
            }
        }
    }
}

fn lists(incident: &Path) -> Vec<(String, Value)> {
    let files = renaming::read(&incident.join("bundle.tar.gz"));
    files
        .into_iter()
        .filter_map(|(path, content)| Some((path, serde_json::from_slice(&content).ok()?)))
        .collect()
}

/// Damages every message and reason of an object; says how many.
fn damage_messages(value: &mut Value, random: &mut Random) -> usize {
    match value {
        Value::Array(values) => values.iter_mut().map(|value| damage_messages(value, random)).sum(),
        Value::Object(fields) => fields
            .iter_mut()
            .map(|(field, value)| match value {
                Value::String(text) if field == "message" => {
                    *text =
                        random.text(&[text.clone(), "0/3 nodes are available: 1 Insufficient cpu".into()]);
                    1
                }
                value => damage_messages(value, random),
            })
            .sum(),
        _ => 0,
    }
}

#[test]
fn snapshots() {
    let whole = archive(&shop());
    let mut tar = Vec::new();
    std::io::Read::read_to_end(&mut flate2::read::GzDecoder::new(whole.as_slice()), &mut tar).unwrap();
    let mut random = Random(0xff51_afd7_ed55_8ccd);
    for round in 0..rounds() {
        let source = if round % 4 == 0 { &whole } else { &tar };
        let bytes = random.damage(source, &tar);
        let _ = Snapshot::from_bytes(&bytes, Path::new("damaged"), &Bounds::default());
    }
}
