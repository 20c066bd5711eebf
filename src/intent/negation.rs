//! Which names a description takes out, and whether it asks if something is over.

use super::parse::NameMention;
use super::text::Token;
use super::words;

const FINE: &[&str] = &[
    "fine",
    "ok",
    "okay",
    "healthy",
    "good",
    "unaffected",
    "stable",
    "normal",
    "green",
    "happy",
    "innocent",
    "gut",
    "ordnung",
    "bien",
    "bem",
    "correctly",
    "properly",
    "unrelated",
];
const BEING: &[&str] = &[
    "is",
    "are",
    "looks",
    "look",
    "seems",
    "seem",
    "works",
    "work",
    "runs",
    "run",
    "running",
    "working",
    "was",
    "were",
    "itself",
    "themselves",
    "alone",
    "still",
    "all",
    "totally",
    "perfectly",
    "completely",
    "just",
    "lauft",
    "funktioniert",
    "geht",
    "ist",
    "esta",
    "funciona",
    "fonctionne",
    "marche",
    "va",
    "in",
    "also",
    "pods",
    "pod",
    "service",
    "deployment",
    "app",
    "job",
    "node",
    "container",
    "selbst",
    "on",
    "its",
    "own",
    "to",
    "be",
];
const WORKS: &[&str] = &["works", "funktioniert", "funciona", "fonctionne", "marche"];
const SOMETIMES: &[&str] = &[
    "only",
    "sometimes",
    "intermittently",
    "slowly",
    "until",
    "for",
    "again",
    "but",
    "after",
    "half",
    "badly",
    "once",
    "nicht",
    "not",
    "if",
    "when",
    "occasionally",
];
const DENIALS: &[&str] =
    &["not", "isnt", "nicht", "pas", "nao", "no", "neither", "nor", "except", "besides", "ignore", "kein"];
const BETWEEN: &[&str] = &[
    "the", "a", "our", "der", "die", "das", "el", "la", "le", "o", "about", "because", "of", "caused", "by",
    "due", "to", "related", "with", "an", "for",
];
const LATER: &[&str] = &["later", "unrelated", "separate", "ignore"];

/// For each name whether the description says that it is not meant.
pub(super) fn negated(tokens: &[Token], names: &[NameMention]) -> Vec<bool> {
    let mut negated: Vec<bool> = Vec::with_capacity(names.len());
    for (index, name) in names.iter().enumerate() {
        let later = names.get(index + 1..).is_some_and(|rest| {
            rest.iter().any(|other| other.form <= super::NameForm::Word && other.text != name.text)
        });
        let fine = !name.place && is_fine(tokens, name.word, later);
        negated.push(is_denied(tokens, name.word) || fine || is_for_later(tokens, name.word));
    }
    spread_over_and(tokens, names, &mut negated);
    negated
}

/// "web and redis look fine" says it of both.
fn spread_over_and(tokens: &[Token], names: &[NameMention], negated: &mut [bool]) {
    for index in (1..names.len()).rev() {
        let (Some(before), Some(name)) = (names.get(index - 1), names.get(index)) else { continue };
        let joined = before.word + 2 == name.word
            && clause(tokens, before.word) == clause(tokens, name.word)
            && matches!(
                folded(tokens, before.word + 1),
                "and" | "or" | "nor" | "und" | "oder" | "y" | "et" | "e"
            );
        if joined
            && negated.get(index) == Some(&true)
            && let Some(negated) = negated.get_mut(index - 1)
        {
            *negated = true;
        }
    }
}

fn folded(tokens: &[Token], index: usize) -> &str {
    tokens.get(index).map_or("", |token| token.folded.as_str())
}

fn clause(tokens: &[Token], index: usize) -> Option<usize> {
    tokens.get(index).map(|token| token.clause)
}

/// "not the db", "it isn't redis", "except billing".
fn is_denied(tokens: &[Token], at: usize) -> bool {
    for back in 1..=4 {
        let Some(index) = at.checked_sub(back) else { return false };
        if clause(tokens, index) != clause(tokens, at) {
            return false;
        }
        let word = folded(tokens, index);
        if word == "except" || word == "besides" {
            // "everything works except redis" is about redis.
            let before = tokens.get(..index).unwrap_or_default();
            return !before.iter().any(|token| {
                FINE.contains(&token.folded.as_str())
                    || WORKS.contains(&token.folded.as_str())
                    || token.folded == "work"
            });
        }
        if DENIALS.contains(&word) {
            // "why does it not reach redis", "no pods": a denied verb or noun, not a denied name.
            return matches!(
                word,
                "ignore" | "neither" | "nor" | "isnt" | "not" | "nicht" | "pas" | "nao" | "kein"
            ) && (back > 1 || word != "pas");
        }
        if !BETWEEN.contains(&word) {
            return false;
        }
    }
    false
}

/// "redis is fine", "checkout itself works"; not "works only …", not "is fine but returns errors".
fn is_fine(tokens: &[Token], at: usize, another_later: bool) -> bool {
    let here = clause(tokens, at);
    let mut works = false;
    let mut linked = false;
    for index in at + 1..at + 7 {
        if clause(tokens, index) != here {
            break;
        }
        let word = folded(tokens, index);
        if FINE.contains(&word) {
            let asked = tokens.get(index).is_some_and(|token| token.asked);
            let but = matches!(folded(tokens, index + 1), "but" | "though" | "aber" | "pero" | "mais");
            return linked && !asked && (!but || another_later);
        }
        if works && SOMETIMES.contains(&word) {
            return false;
        }
        works |= WORKS.contains(&word);
        linked |= !words::is_generic(word);
        if !BEING.contains(&word) {
            break;
        }
    }
    works && linked
}

/// "the billing job fails too, but that's for later", "the report is late, we know".
pub(super) fn is_for_later(tokens: &[Token], at: usize) -> bool {
    let here = clause(tokens, at);
    let same = |index: &usize| clause(tokens, *index) == here;
    (at + 1..tokens.len().min(at + 12)).take_while(same).any(|index| LATER.contains(&folded(tokens, index)))
        || is_known(tokens, at)
}

/// "that the report is late we know", "we know about the report", "the report is late, never mind".
fn is_known(tokens: &[Token], at: usize) -> bool {
    let (here, end) = (clause(tokens, at), tokens.len().min(at + 14));
    let pair = |index: usize| (folded(tokens, index), folded(tokens, index + 1));
    // "we know why" tells of something else than what stands before.
    let said = |index: usize| {
        let ends = clause(tokens, index + 1) != clause(tokens, index + 2);
        match pair(index) {
            ("we" | "i", "know" | "knew") | ("already", "known") | ("known", "issue" | "problem") => ends,
            ("never", "mind") | ("dont", "mind" | "worry") => true,
            _ => false,
        }
    };
    let own = (at + 1..end).take_while(|index| clause(tokens, *index) == here).any(said);
    let next = (at + 1..end).find(|index| clause(tokens, *index) != here).is_some_and(said);
    let about = || {
        let before = at.saturating_sub(6)..at;
        before.filter(|index| clause(tokens, *index) == here).any(|index| {
            matches!(pair(index), ("know" | "knew", "about"))
                && folded(tokens, index.saturating_sub(1)) == "we"
        })
    };
    own || next || about()
}

/// "[RESOLVED] …", "is it still broken?", "false alarm?".
pub(super) fn asks_whether_resolved(tokens: &[Token]) -> bool {
    let words: Vec<&str> = tokens.iter().map(|token| token.folded.as_str()).collect();
    let asks = tokens.iter().any(|token| token.asked);
    let has = |phrase: &[&str]| words.windows(phrase.len()).any(|window| window == phrase);
    words.first() == Some(&"resolved")
        || has(&["false", "alarm"])
        || has(&["false", "positive"])
        || asks
            && (has(&["is", "it", "still"])
                || has(&["are", "we", "still"])
                || has(&["still", "broken"])
                || has(&["still", "an", "issue"])
                || has(&["resolved"])
                || has(&["already", "fixed"])
                || has(&["ok", "again"])
                || has(&["ok", "now"])
                || has(&["over", "now"])
                || has(&["do", "i", "need", "to"])
                || has(&["do", "we", "need", "to"]))
}
