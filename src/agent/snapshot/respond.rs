//! Answers of an API server: bodies, statuses and the request's parts.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::cluster::Kind;

/// What a request is answered with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// `content-type`.
    pub content_type: &'static str,
    /// The body.
    pub body: Vec<u8>,
}

impl Answer {
    pub(super) fn json(body: impl Into<Vec<u8>>) -> Self {
        Self { status: 200, content_type: "application/json", body: body.into() }
    }

    pub(super) fn text(body: impl Into<Vec<u8>>) -> Self {
        Self { status: 200, content_type: "text/plain", body: body.into() }
    }

    /// What an API server says of a path that it does not serve: no Status, only text.
    pub(super) fn unknown_path() -> Self {
        Self {
            status: 404,
            content_type: "text/plain; charset=utf-8",
            body: b"404 page not found\n".to_vec(),
        }
    }

    /// A Status that refuses.
    pub(super) fn refuse(code: u16, reason: &str, message: &str, details: Option<Value>) -> Self {
        let mut status = json!({
            "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
            "message": message, "reason": reason, "code": code,
        });
        if let (Some(details), Some(status)) = (details, status.as_object_mut()) {
            status.insert("details".to_owned(), details);
        }
        Self { status: code, content_type: "application/json", body: status.to_string().into_bytes() }
    }

    pub(super) fn bad_request(message: &str) -> Self {
        Self::refuse(400, "BadRequest", message, None)
    }

    pub(super) fn not_found(kind: &Kind, name: &str) -> Self {
        let group = group(kind);
        let resource = kind.plural();
        let mut details = json!({"name": name, "kind": resource});
        let qualified = if group.is_empty() { resource.to_owned() } else { format!("{resource}.{group}") };
        if let (false, Some(details)) = (group.is_empty(), details.as_object_mut()) {
            details.insert("group".to_owned(), group.into());
        }
        Self::refuse(404, "NotFound", &format!("{qualified} \"{name}\" not found"), Some(details))
    }

    pub(super) fn forbidden(kind: &Kind, why: &str) -> Self {
        let message = if why.contains("forbidden") {
            why.to_owned()
        } else {
            format!("{} is forbidden: {why}", kind.plural())
        };
        Self::refuse(403, "Forbidden", &message, Some(json!({"kind": kind.plural()})))
    }

    pub(super) fn expired() -> Self {
        Self::refuse(
            410,
            "Expired",
            "The provided continue parameter is too old to display a consistent list result. \
             You can start a new list without the continue parameter.",
            None,
        )
    }
}

/// The API group of a kind; empty for the core group.
pub(crate) fn group(kind: &Kind) -> &'static str {
    kind.api_version().split_once('/').map_or("", |(group, _)| group)
}

/// Decodes the query of a request; of a repeated parameter the first counts.
pub(super) fn query(text: &str) -> BTreeMap<String, String> {
    let mut parameters = BTreeMap::new();
    for pair in text.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        parameters.entry(decode(name)).or_insert_with(|| decode(value));
    }
    parameters
}

/// Undoes percent-encoding; what is no valid escape stays as it is.
pub(super) fn decode(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        match byte {
            b'+' => bytes.push(b' '),
            b'%' => {
                let mut ahead = rest.clone();
                let digit = |byte: Option<u8>| byte.and_then(|byte| char::from(byte).to_digit(16));
                match (digit(ahead.next()), digit(ahead.next())) {
                    (Some(high), Some(low)) => {
                        bytes.push(u8::try_from(high * 16 + low).unwrap_or(b'?'));
                        rest = ahead;
                    }
                    _ => bytes.push(b'%'),
                }
            }
            byte => bytes.push(byte),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queries_decode() {
        let parameters = query("fieldSelector=type%21%3DNormal&limit=3&bad=%zz&limit=4");
        assert_eq!(parameters["fieldSelector"], "type!=Normal");
        assert_eq!(parameters["limit"], "3");
        assert_eq!(parameters["bad"], "%zz");
    }

    #[test]
    fn a_missing_object_is_named_with_its_group() {
        let body = String::from_utf8(Answer::not_found(&Kind::Deployment, "web").body).expect("UTF-8");
        assert!(body.contains(r#"deployments.apps \"web\" not found"#), "{body}");
    }
}
