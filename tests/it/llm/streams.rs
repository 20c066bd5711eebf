//! Explanations that come in pieces, cut anywhere, or not to their end.

use std::time::Duration;

use sre_orch::intent::Names;
use sre_orch::llm::Provider;
use sre_orch::report::model::{Hypothesis, Report};
use sre_orch::report::narrate::{Material, Narrator};

use super::server::{Provider as Server, Script, Step, json, stream_head};
use super::voice::{Reason, error, llm, streamed, whole};
use crate::samples;

const PATIENT: Duration = Duration::from_secs(10);
const HASTY: Duration = Duration::from_millis(300);
const WIRES: [Provider; 2] = [Provider::OpenAi, Provider::Anthropic];

/// A report with one hypothesis at least.
fn report() -> Report {
    samples::root_cause()
}

/// Sentences that hold: about the first hypothesis, with its first evidence. Not all in ASCII.
fn text(hypothesis: &Hypothesis) -> [String; 2] {
    let id = &hypothesis.evidence[0].id;
    let object = &hypothesis.object;
    [
        format!("The {} → {} is the one to look at [{id}].", object.kind, object.name),
        format!("Für {} there is evidence [{id}].", object.name),
    ]
}

/// What was told, and how it ended.
async fn tell(provider: Provider, script: Script, timeout: Duration) -> (Vec<String>, Result<(), String>) {
    let server = Server::start(vec![script]);
    tell_at(provider, &server, timeout).await
}

async fn tell_at(
    provider: Provider,
    server: &Server,
    timeout: Duration,
) -> (Vec<String>, Result<(), String>) {
    let (report, names) = (report(), Names::default());
    let mut told = Vec::new();
    let mut keep = |sentence: &str| told.push(sentence.to_owned());
    let material = Material { report: &report, names: &names };
    let result = llm(provider, &server.url(), timeout).narrate(material, &mut keep).await;
    (told, result)
}

fn script(bytes: &[u8]) -> Script {
    vec![Step::Send(stream_head()), Step::Send(bytes.to_vec())]
}

#[tokio::test]
async fn each_provider_streams() {
    let report = report();
    let sentences = text(&report.hypotheses[0]);
    for provider in Provider::ALL {
        let bytes = streamed(provider, &sentences.join(" "), Reason::Done);
        let (told, result) = tell(provider, script(&bytes), PATIENT).await;
        assert_eq!((told.as_slice(), result), (sentences.as_slice(), Ok(())), "{provider}");
        // A gateway that does not stream.
        let (told, result) =
            tell(provider, json(200, &whole(provider, &sentences.join(" "), Reason::Done)), PATIENT).await;
        assert_eq!((told.as_slice(), result), (sentences.as_slice(), Ok(())), "{provider}");
    }
}

#[tokio::test]
async fn cuts_at_every_byte_change_nothing() {
    let report = report();
    let sentences = text(&report.hypotheses[0]);
    for provider in WIRES {
        let bytes = streamed(provider, &sentences.join(" "), Reason::Done);
        let cut = |at: usize| {
            let (first, second) = bytes.split_at(at);
            let pause = Step::Wait(Duration::from_millis(2));
            vec![Step::Send(stream_head()), Step::Send(first.to_vec()), pause, Step::Send(second.to_vec())]
        };
        let server = Server::start((0..=bytes.len()).map(cut).collect());
        for at in 0..=bytes.len() {
            let (told, result) = tell_at(provider, &server, PATIENT).await;
            assert_eq!((told.as_slice(), result), (sentences.as_slice(), Ok(())), "{provider} at {at}");
        }
        assert_eq!(server.received().len(), bytes.len() + 1);
    }
}

#[tokio::test]
async fn a_stream_that_does_not_end_well_keeps_what_it_told() {
    let report = report();
    let sentences = text(&report.hypotheses[0]);
    for provider in Provider::ALL {
        let bytes = streamed(provider, &sentences.join(" "), Reason::Done);
        // Within the last piece: after the first sentence and the beginning of the second.
        let marker: &[u8] = if provider == Provider::Anthropic { b"text_delta" } else { b"\"content\":" };
        let end = bytes.windows(marker.len()).rposition(|window| window == marker).unwrap();
        let half = bytes[..end].to_vec();
        let begun = || vec![Step::Send(stream_head()), Step::Send(half.clone())];
        let first = &sentences[..1];
        let stalled = [begun(), vec![Step::Wait(Duration::from_secs(60))]].concat();
        let (told, result) = tell(provider, stalled, HASTY).await;
        assert_eq!(told, first, "{provider}");
        assert!(result.unwrap_err().contains("stalled"), "{provider}");
        let (told, result) = tell(provider, begun(), PATIENT).await;
        assert_eq!(told, first, "{provider}");
        let problem = result.unwrap_err();
        assert!(problem.contains("cut off"), "{provider}: {problem}");
        let (_, result) = tell(provider, [begun(), vec![Step::Reset]].concat(), PATIENT).await;
        assert!(result.is_err(), "{provider}");
        for (reason, says) in [(Reason::Length, "cut off"), (Reason::Refusal, "declined")] {
            let bytes = streamed(provider, &sentences.join(" "), reason);
            let (told, result) = tell(provider, script(&bytes), PATIENT).await;
            assert!(result.unwrap_err().contains(says), "{provider}");
            assert_eq!(told.first(), sentences.first(), "{provider}");
        }
    }
}

#[tokio::test]
async fn streams_of_nonsense() {
    for provider in Provider::ALL {
        let (told, result) =
            tell(provider, script(b"data: {\"choices\": 7, \"delta\": 7}\n\n"), PATIENT).await;
        assert!(told.is_empty() && result.unwrap_err().contains("not of the form"), "{provider}");
        let (_, result) = tell(
            provider,
            script(format!("data: {}\n\n", error(Provider::OpenAi, "overloaded")).as_bytes()),
            HASTY,
        )
        .await;
        assert!(result.is_err(), "{provider}");
        let (_, result) = tell(provider, script(&vec![b'x'; 10 << 20]), PATIENT).await;
        assert!(result.unwrap_err().contains("larger than"), "{provider}");
        let (_, result) = tell(provider, script(b""), PATIENT).await;
        let problem = result.unwrap_err();
        assert!(problem.contains("cut off"), "{provider}: {problem}");
        let (_, result) = tell(provider, vec![Step::Wait(Duration::from_secs(60))], HASTY).await;
        assert!(result.unwrap_err().contains("no answer within"), "{provider}");
        let nothing = streamed(provider, "Everybody can go home now.", Reason::Done);
        let (told, result) = tell(provider, script(&nothing), PATIENT).await;
        assert!(told.is_empty() && result.unwrap_err().contains("supported by the evidence"), "{provider}");
    }
}
