//! What the spelling of a word tells: name of an object, host, reason, constant.

use super::text::{Token, camel_words, fold};
use super::words::{self, WordClass};

const FILE_ENDINGS: &[&str] = &[
    "yaml",
    "yml",
    "json",
    "log",
    "txt",
    "conf",
    "cfg",
    "py",
    "go",
    "js",
    "ts",
    "rb",
    "sh",
    "java",
    "jar",
    "png",
    "jpg",
    "pdf",
    "html",
    "xml",
    "toml",
    "ini",
    "md",
    "env",
    "sql",
    "tar",
    "gz",
    "crt",
    "pem",
    "key",
    "properties",
    "php",
    "css",
    "svg",
    "csv",
    "lock",
    "rs",
    "c",
    "cpp",
    "h",
    "so",
    "lang",
    "util",
    "io",
    "net",
];

/// A token's class, without a possessive ending.
pub(super) fn class_of_token(token: &Token) -> WordClass {
    words::class_of(&fold(bare(&token.text)))
}

/// Without a possessive ending.
pub(super) fn bare(text: &str) -> &str {
    text.strip_suffix("'s").or_else(|| text.strip_suffix("'S")).unwrap_or(text)
}

/// Whether a word is spelled like the name of an object rather than like a word.
pub(super) fn is_name_like(token: &Token) -> bool {
    let folded = fold(bare(&token.text));
    if !folded.chars().all(|c| c.is_alphanumeric() || matches!(c, '-' | '_' | '.')) {
        return false;
    }
    let parts: Vec<&str> = folded.split(['-', '_', '.']).filter(|part| !part.is_empty()).collect();
    let numeric = |part: &&&str| {
        part.len() <= 4 && part.bytes().any(|byte| byte.is_ascii_digit())
            || part.bytes().all(|byte| byte.is_ascii_digit())
    };
    let lettered: Vec<&&str> = parts.iter().filter(|part| !numeric(part)).collect();
    let ordinary = |part: &&&str| words::class_of(part) == WordClass::Ordinary;
    if parts.len() == 1 {
        // `web1`: letters and then digits, no ordinary word and no measure.
        let letters = folded.chars().take_while(|c| c.is_alphabetic()).count();
        return letters >= 3
            && letters < folded.chars().count()
            && folded.chars().skip(letters).all(|c| c.is_ascii_digit())
            && words::class_of(&folded) == WordClass::Name;
    }
    if lettered.is_empty() {
        return false;
    }
    // Ordinary words joined by hyphens ("port-forward", "in-app") are words; a part that is no
    // word, or generic parts only ("user-service"), make a name.
    lettered.iter().any(|part| words::class_of(part) == WordClass::Name) || !lettered.iter().any(ordinary)
}

/// `EAI_AGAIN`, `DB_HOST`: error numbers and variables, never objects.
pub(super) fn is_constant(text: &str) -> bool {
    text.contains('_') && !text.chars().any(char::is_lowercase)
}

/// Reasons and alerts in camel case tell symptoms, not objects.
pub(super) fn is_camel_reason(text: &str) -> bool {
    let Some(parts) = camel_words(text) else { return false };
    let reason = ["exception", "error", "hook", "backoff", "mismatch", "looping"];
    parts.first().is_some_and(|first| first == "kube")
        || parts.last().is_some_and(|last| reason.contains(&last.as_str()))
        || parts.iter().all(|part| words::class_of(part) != WordClass::Name)
            && parts.iter().any(|part| words::class_of(part) == WordClass::Ordinary)
}

/// Whether a word is a host name: dots between labels, the last of letters, no file.
pub(super) fn is_host(word: &str) -> bool {
    let labels: Vec<&str> = word.split('.').collect();
    let valid = |label: &&str| {
        !label.is_empty()
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'*'))
    };
    let [first, .., last] = labels.as_slice() else { return false };
    labels.iter().all(valid)
        && last.len() >= 2
        && last.bytes().all(|byte| byte.is_ascii_lowercase())
        && (labels.len() > 2 || !FILE_ENDINGS.contains(last))
        && !first.bytes().all(|byte| byte.is_ascii_digit())
}
