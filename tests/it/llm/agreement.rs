//! On every recorded incident: whatever the model says, or whether it is there at all, what the
//! evidence says stays the same.

use futures::future::BoxFuture;
use sre_orch::agent::Source;
use sre_orch::cluster::Kind;
use sre_orch::graph_test::incident;
use sre_orch::intent::{GroundedIntent, IntentParser, ParsedIntent, Question, Reading};
use sre_orch::knowledge::Graph;
use sre_orch::pipeline::{self, Investigation, Silent};
use sre_orch::report::model::{Hypothesis, Verdict};
use sre_orch::symptom::Symptom;

use crate::incidents::{fixtures, request};

/// A model in one of its moods.
enum Model {
    /// Says what a good one would: nothing that is not in the description.
    Honest,
    /// Is not there.
    Failing,
    /// Names what exists but is not meant, and what does not exist.
    Lying,
}

impl IntentParser for Model {
    fn name(&self) -> &'static str {
        "llm"
    }

    fn parse<'a>(&'a self, question: Question<'a>) -> BoxFuture<'a, Result<Option<ParsedIntent>, String>> {
        let read = match self {
            Self::Failing => Err("it is not there".to_owned()),
            Self::Honest => Ok(Some(Reading {
                names: question.description.split_whitespace().map(|word| (word.to_owned(), None)).collect(),
                ..Reading::default()
            })),
            Self::Lying => {
                // The last names by the alphabet, hardly ever those that are broken.
                let mut names: Vec<(String, Option<Kind>)> =
                    question.names.objects.iter().rev().take(4).map(|name| (name.clone(), None)).collect();
                names.push(("no-such-thing-7".to_owned(), Some(Kind::Deployment)));
                Ok(Some(Reading {
                    names,
                    namespaces: vec!["kube-system".to_owned()],
                    symptoms: vec![Symptom::CannotDelete, Symptom::NotScaling],
                    time: "3 weeks ago".to_owned(),
                }))
            }
        };
        Box::pin(std::future::ready(read.map(|read| read.map(Reading::into_intent))))
    }
}

/// A parser that is asked about everything.
struct Always(Model);

impl IntentParser for Always {
    fn name(&self) -> &'static str {
        "llm"
    }

    fn is_needed(&self, _: &GroundedIntent) -> bool {
        true
    }

    fn parse<'a>(&'a self, question: Question<'a>) -> BoxFuture<'a, Result<Option<ParsedIntent>, String>> {
        self.0.parse(question)
    }
}

struct Incident {
    name: String,
    description: String,
    namespaces: Vec<String>,
}

fn incidents() -> Vec<Incident> {
    incident::find(&fixtures())
        .iter()
        .map(|file| {
            let text = std::fs::read_to_string(file).unwrap();
            let expected: incident::Expected = serde_yaml::from_str(&text).unwrap();
            let name = file.parent().unwrap().file_name().unwrap().to_string_lossy().into_owned();
            Incident { name, description: expected.description, namespaces: expected.namespaces }
        })
        .collect()
}

async fn investigate(graph: &Graph, incident: &Incident, parser: Option<&dyn IntentParser>) -> Investigation {
    let source = Source::snapshot(&fixtures().join(&incident.name).join("bundle.tar.gz")).unwrap();
    let mut request = request(&incident.description);
    request.namespaces = incident.namespaces.clone();
    pipeline::investigate_with(source, graph, &request, parser, &Silent).await.unwrap()
}

/// Causes, objects and confidence, in order.
fn ranking(hypotheses: &[Hypothesis]) -> Vec<String> {
    hypotheses.iter().map(|one| format!("{} {} {:?}", one.cause, one.object, one.confidence)).collect()
}

#[tokio::test]
async fn a_model_changes_nothing_that_is_grounded() {
    let graph = Graph::bundled().unwrap();
    let mut grounded = 0;
    for incident in incidents() {
        let off = investigate(&graph, &incident, None).await.report;
        let names_object = off.intent.objects.iter().any(|object| object.kind != "Namespace");
        grounded += usize::from(names_object);
        for model in [Model::Honest, Model::Failing, Model::Lying] {
            let lying = matches!(model, Model::Lying);
            let failing = matches!(model, Model::Failing);
            // Even where it is asked although nothing is open.
            let with = investigate(&graph, &incident, Some(&Always(model))).await;
            let on = &with.report;
            let name = &incident.name;
            if names_object || failing {
                assert_eq!(ranking(&on.hypotheses), ranking(&off.hypotheses), "{name}");
                assert_eq!(on.verdict, off.verdict, "{name}");
                assert_eq!(on.intent, off.intent, "{name}");
                continue;
            }
            // What it names exists, and a cause that was found stays found.
            for object in &on.intent.objects {
                assert!(with.names.contains(&object.name), "{name}: {object:?}");
            }
            assert!(on.intent.objects.iter().all(|object| object.name != "no-such-thing-7"), "{name}");
            if lying && on.intent.parser != "builtin" {
                assert!(!on.intent.dropped.is_empty(), "{name}");
            }
            assert!(off.verdict != Verdict::RootCause || on.verdict == Verdict::RootCause, "{name}");
        }
    }
    assert!(grounded >= 8, "only {grounded} descriptions name an object");
}

#[tokio::test]
async fn where_the_parser_finds_nothing_the_model_may_point() {
    let graph = Graph::bundled().unwrap();
    let incident = Incident {
        name: "checkout-missing-env".to_owned(),
        description: "die Kasse spinnt".to_owned(),
        namespaces: Vec::new(),
    };
    struct Translates;
    impl IntentParser for Translates {
        fn name(&self) -> &'static str {
            "llm"
        }
        fn parse<'a>(&'a self, _: Question<'a>) -> BoxFuture<'a, Result<Option<ParsedIntent>, String>> {
            let reading = Reading { names: vec![("checkout".to_owned(), None)], ..Reading::default() };
            Box::pin(std::future::ready(Ok(Some(reading.into_intent()))))
        }
    }
    let off = investigate(&graph, &incident, None).await.report;
    assert!(off.intent.objects.is_empty() && off.intent.given_by.is_empty(), "{:?}", off.intent);
    let on = investigate(&graph, &incident, Some(&Translates)).await.report;
    assert_eq!((on.intent.parser.as_str(), on.intent.objects[0].name.as_str()), ("llm", "checkout"));
    assert_eq!(on.intent.given_by.get("objects").map(String::as_str), Some("llm"));
    assert_eq!(on.verdict, Verdict::RootCause);
    // What the description says itself stays, and the report says who gave what.
    let incident = Incident { description: "die Kasse ist abgestürzt".to_owned(), ..incident };
    let on = investigate(&graph, &incident, Some(&Translates)).await.report;
    assert_eq!(
        (on.intent.parser.as_str(), on.intent.symptoms.as_slice()),
        ("merged", &[Symptom::Crashing][..])
    );
}
