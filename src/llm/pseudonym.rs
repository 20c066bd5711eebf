//! Other names for namespaces, objects, hosts and addresses: stable within a run, put back in what
//! comes. Only what leaves is changed; the report keeps the names.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use crate::intent::Names;

/// The kinds of pseudonyms.
const KINDS: [&str; 4] = ["namespace", "object", "host", "address"];
/// Names that every cluster has tell nothing.
const COMMON: [&str; 7] = [
    "default",
    "kubernetes",
    "kube-system",
    "kube-public",
    "kube-node-lease",
    "kube-root-ca.crt",
    "localhost",
];

/// The pseudonyms given so far.
#[derive(Clone, Debug, Default)]
pub(super) struct Pseudonyms {
    given: BTreeMap<String, String>,
    names: BTreeMap<String, String>,
    counts: BTreeMap<&'static str, usize>,
}

/// Rewrites a text by pseudonyms where there are any.
pub(super) fn locked(
    known: Option<&Mutex<Pseudonyms>>,
    text: &str,
    rewrite: impl Fn(&mut Pseudonyms, &str) -> String,
) -> String {
    match known {
        Some(known) => rewrite(&mut known.lock().unwrap_or_else(PoisonError::into_inner), text),
        None => text.to_owned(),
    }
}

impl Pseudonyms {
    /// Replaces every name that exists, every host and every address.
    pub(super) fn hide(&mut self, text: &str, names: &Names) -> String {
        // No name has an underscore: the kubelet puts one between a pod and its namespace.
        let inner = |c: char| c.is_alphanumeric() || matches!(c, '-' | '.' | ':');
        let mut hidden = String::with_capacity(text.len());
        let mut rest = text;
        while !rest.is_empty() {
            let word = rest.find(|c| !inner(c)).unwrap_or(rest.len());
            let (token, after) = rest.split_at(word);
            self.hide_token(token, names, &mut hidden);
            let gap = after.find(inner).unwrap_or(after.len());
            let (between, after) = after.split_at(gap);
            hidden.push_str(between);
            rest = after;
        }
        hidden
    }

    /// A word with the punctuation at its end: an address, or parts between colons.
    fn hide_token(&mut self, token: &str, names: &Names, hidden: &mut String) {
        let word = token.trim_end_matches(['.', ':']);
        if word.matches(':').count() > 1
            && let Ok(address) = word.parse::<IpAddr>()
        {
            hidden.push_str(&self.address(word, address, names));
        } else {
            for (index, part) in word.split(':').enumerate() {
                if index > 0 {
                    hidden.push(':');
                }
                hidden.push_str(&self.hide_word(part, names));
            }
        }
        hidden.push_str(token.get(word.len()..).unwrap_or_default());
    }

    fn address(&mut self, word: &str, address: IpAddr, names: &Names) -> String {
        match address.is_loopback() || address.is_unspecified() {
            true => word.to_owned(),
            false => self.give("address", word, names),
        }
    }

    fn hide_word(&mut self, word: &str, names: &Names) -> String {
        let lower = word.to_lowercase();
        if let Ok(address) = word.parse::<IpAddr>() {
            return self.address(word, address, names);
        }
        if let Some(known) = self.known(&lower, names) {
            return known;
        }
        let labels: Vec<&str> = word.split('.').collect();
        if labels.len() > 1 {
            let inside = labels.iter().any(|label| {
                let label = label.to_lowercase();
                names.objects.contains(&label) || names.namespaces.contains(&label)
            });
            if inside {
                let hidden: Vec<String> = labels.iter().map(|label| self.hide_word(label, names)).collect();
                return hidden.join(".");
            }
            return if is_host(&lower) { self.give("host", &lower, names) } else { word.to_owned() };
        }
        // A pod that is gone: the name of what made it, and generated letters.
        let cuts = lower.rmatch_indices('-').map(|(at, _)| at);
        for cut in cuts {
            let (stem, suffix) = lower.split_at(cut);
            if let Some(known) = names.objects.contains(stem).then(|| self.known(stem, names)).flatten() {
                return format!("{known}{suffix}");
            }
        }
        word.to_owned()
    }

    /// The pseudonym of a name that exists.
    fn known(&mut self, name: &str, names: &Names) -> Option<String> {
        if COMMON.contains(&name) {
            return None;
        }
        let kind = if names.namespaces.contains(name) {
            "namespace"
        } else if names.objects.contains(name) {
            "object"
        } else if names.hosts.contains(name) {
            "host"
        } else {
            return None;
        };
        Some(self.give(kind, name, names))
    }

    fn give(&mut self, kind: &'static str, name: &str, names: &Names) -> String {
        if let Some(given) = self.given.get(name) {
            return given.clone();
        }
        let count = self.counts.entry(kind).or_default();
        let pseudonym = loop {
            *count += 1;
            let candidate = format!("{kind}-{count}");
            if !names.contains(&candidate) {
                break candidate;
            }
        };
        self.given.insert(name.to_owned(), pseudonym.clone());
        self.names.insert(pseudonym.clone(), name.to_owned());
        pseudonym
    }

    /// Puts the names back.
    pub(super) fn reveal(&self, text: &str) -> String {
        let mut revealed = String::with_capacity(text.len());
        let mut rest = text;
        let mut inside = false;
        while let Some(first) = rest.chars().next() {
            if !inside && let Some((name, length)) = self.at_start(rest) {
                revealed.push_str(name);
                rest = rest.get(length..).unwrap_or_default();
                inside = true;
                continue;
            }
            revealed.push(first);
            inside = first.is_alphanumeric() || first == '-';
            rest = rest.get(first.len_utf8()..).unwrap_or_default();
        }
        revealed
    }

    /// The name of the pseudonym that a text begins with, and how long that is.
    fn at_start(&self, text: &str) -> Option<(&str, usize)> {
        let kind = KINDS
            .into_iter()
            .find(|kind| text.get(..kind.len()).is_some_and(|start| start.eq_ignore_ascii_case(kind)))?;
        let number = text.get(kind.len()..)?.strip_prefix('-')?;
        let digits = number.find(|c: char| !c.is_ascii_digit()).unwrap_or(number.len());
        let length = kind.len() + 1 + digits;
        if number.get(digits..)?.starts_with(char::is_alphanumeric) {
            return None;
        }
        let name = self.names.get(&text.get(..length)?.to_lowercase())?;
        Some((name, length))
    }
}

/// Labels between dots, the last of letters: a host, or what can pass for one.
fn is_host(word: &str) -> bool {
    let labels: Vec<&str> = word.split('.').collect();
    let valid = |label: &&str| {
        !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    labels.iter().all(valid)
        && labels.last().is_some_and(|last| last.len() > 1 && last.bytes().all(|b| b.is_ascii_lowercase()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names() -> Names {
        let set = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        Names {
            namespaces: set(&["shop", "default"]),
            objects: set(&["checkout", "web", "checkout-6d4f9c7b58-x2x7z", "default", "object-1"]),
            hosts: set(&["docs.example.com"]),
        }
    }

    #[test]
    fn what_leaves_has_other_names_and_comes_back() {
        let text = "Checkout-abc of shop/checkout calls checkout.shop.svc.cluster.local:8080 at 10.1.2.3:80, \
            docs.example.com, db.corp.example and fd00::1; pod checkout-6d4f9c7b58-zzzzz in default on localhost";
        let mut pseudonyms = Pseudonyms::default();
        let hidden = pseudonyms.hide(text, &names());
        for name in ["checkout", "shop", "10.1.2.3", "docs", "corp", "fd00"] {
            assert!(!hidden.contains(name), "{name}: {hidden}");
        }
        assert!(hidden.contains(" default on localhost") && hidden.contains(".svc.cluster.local:8080"));
        assert_eq!(pseudonyms.reveal(&hidden).to_lowercase(), text.to_lowercase());
    }

    #[test]
    fn pseudonyms_are_stable_and_take_no_name() {
        let mut pseudonyms = Pseudonyms::default();
        assert_eq!(pseudonyms.hide("web", &names()), "object-2");
        assert_eq!(pseudonyms.hide("checkout, web.", &names()), "object-3, object-2.");
        assert_eq!(
            pseudonyms.reveal("Object-2 and object-31, my-object-3"),
            "web and object-31, my-object-3"
        );
    }
}
