//! A snapshot as a tower service that answers Kubernetes API requests, so that the collector
//! runs the same code on a snapshot as on a cluster.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::future::{Ready, ready};
use std::sync::Arc;
use std::task::{Context, Poll};

use http::{Request, Response};
use kube::client::Body;
use serde_json::{Value, json};
use tower::Service;

use super::list::{Item, ListFile};
use super::respond::{Answer, decode, query};
use super::select::Selector;
use super::{Snapshot, log, table};
use crate::cluster::Kind;
use crate::cluster::custom::{RESOURCES, Resource};

/// Answers API requests from a snapshot.
#[derive(Clone, Debug)]
pub struct SnapshotService {
    snapshot: Arc<Snapshot>,
}

/// What a path asks for.
enum Target<'p> {
    Version,
    List { kind: Kind, namespace: Option<&'p str> },
    Object { kind: Kind, namespace: Option<&'p str>, name: &'p str },
    Log { namespace: &'p str, pod: &'p str },
}

/// One object with the list it stands in.
type Found<'s> = (&'s ListFile, &'s Item);

impl SnapshotService {
    /// Serves a snapshot.
    pub fn new(snapshot: Arc<Snapshot>) -> Self {
        Self { snapshot }
    }

    /// The time that answers are dated with.
    pub fn captured_at(&self) -> Option<jiff::Timestamp> {
        self.snapshot.captured_at
    }

    /// Answers one GET request.
    pub fn answer(&self, path: &str, query_text: &str, accept: &str) -> Answer {
        let parts: Vec<String> = path
            .split('/')
            .filter(|part| !part.is_empty())
            .map(|part| decode(&part.replace('+', "%2B")))
            .collect();
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        let parameters = query(query_text);
        match target(&parts) {
            None => Answer::unknown_path(),
            Some(Target::Version) => self.version(),
            Some(Target::Log { namespace, pod }) => log::answer(&self.snapshot, namespace, pod, &parameters),
            Some(Target::Object { kind, namespace, name }) => self.object(&kind, namespace, name, accept),
            Some(Target::List { kind, namespace }) => {
                let parameter = |name: &str| parameters.get(name).map(String::as_str).unwrap_or_default();
                let list = List {
                    kind,
                    namespace,
                    form: Form::of(accept),
                    now: self.captured_at().unwrap_or_else(jiff::Timestamp::now),
                    fields: Selector::parse(parameter("fieldSelector")),
                    labels: Selector::parse(parameter("labelSelector")),
                    // The watch cache answers `resourceVersion=0` and ignores the limit.
                    limit: (parameter("resourceVersion") != "0")
                        .then(|| parameter("limit").parse().ok())
                        .flatten()
                        .filter(|limit| *limit > 0),
                    token: parameter("continue").to_owned(),
                };
                self.list(list)
            }
        }
    }

    fn version(&self) -> Answer {
        let version = self.snapshot.server_version.as_ref();
        match version.map(|version| version.get("info").unwrap_or(version)) {
            Some(info) if info.is_object() => Answer::json(info.to_string()),
            _ => Answer::unknown_path(),
        }
    }

    fn object(&self, kind: &Kind, namespace: Option<&str>, name: &str, accept: &str) -> Answer {
        match self.snapshot.found(kind, namespace) {
            Err(refusal) => refusal,
            Ok(found) => match found.into_iter().find(|(_, item)| item.name == name) {
                None => Answer::not_found(kind, name),
                Some((list, item)) if metadata_only(accept) => {
                    let object = serde_json::from_str(list.json(item)).unwrap_or_default();
                    Answer::json(partial(object).to_string())
                }
                Some((list, item)) => Answer::json(list.json(item)),
            },
        }
    }

    fn list(&self, list: List<'_>) -> Answer {
        let found = match self.snapshot.found(&list.kind, list.namespace) {
            Ok(found) => found,
            Err(refusal) => return refusal,
        };
        let (fields, labels) = match (&list.fields, &list.labels) {
            (Ok(fields), Ok(labels)) => (fields, labels),
            (Err(why), _) | (_, Err(why)) => return Answer::bad_request(why),
        };
        let selected = |(file, item): &Found<'_>| {
            if fields.is_empty() && labels.is_empty() {
                return true;
            }
            let object: Value = serde_json::from_str(file.json(item)).unwrap_or_default();
            fields.matches_fields(&object) && labels.matches_labels(&object)
        };
        let start = match list.token.as_str() {
            "" => 0,
            token => match token.parse::<usize>() {
                Ok(start) => start,
                Err(_) => return Answer::expired(),
            },
        };
        let mut rest = found.into_iter().filter(selected).skip(start);
        let page: Vec<Found<'_>> = rest.by_ref().take(list.limit.unwrap_or(usize::MAX)).collect();
        let remaining = rest.count();
        Answer::json(list.body(&page, start, remaining))
    }
}

/// A list request.
struct List<'p> {
    kind: Kind,
    namespace: Option<&'p str>,
    form: Form,
    now: jiff::Timestamp,
    fields: Result<Selector, String>,
    labels: Result<Selector, String>,
    limit: Option<usize>,
    token: String,
}

impl List<'_> {
    /// The list's JSON. Items are copied as they are, so that their bytes need no second parse.
    fn body(&self, page: &[Found<'_>], start: usize, remaining: usize) -> Vec<u8> {
        let mut metadata = json!({"resourceVersion": "1"});
        if let (true, Some(fields)) = (remaining > 0, metadata.as_object_mut()) {
            fields.insert("continue".to_owned(), (start + page.len()).to_string().into());
            fields.insert("remainingItemCount".to_owned(), remaining.into());
        }
        let (kind, version, items) = match self.form {
            Form::Objects => (format!("{}List", self.kind), self.kind.api_version(), "items"),
            Form::Metadata => ("PartialObjectMetadataList".to_owned(), "meta.k8s.io/v1", "items"),
            Form::Table => ("Table".to_owned(), "meta.k8s.io/v1", "rows"),
        };
        let mut head = json!({"kind": kind, "apiVersion": version, "metadata": metadata});
        if let (Form::Table, Some(head)) = (self.form, head.as_object_mut()) {
            head.insert("columnDefinitions".to_owned(), table::columns(&self.kind).into());
        }
        let head = head.to_string();
        let length: usize = page.iter().map(|(file, item)| file.json(item).len() + 1).sum();
        let mut body = Vec::with_capacity(head.len() + length + 16);
        body.extend_from_slice(head.strip_suffix('}').unwrap_or(&head).as_bytes());
        body.extend_from_slice(format!(",\"{items}\":[").as_bytes());
        for (index, (file, item)) in page.iter().enumerate() {
            if index > 0 {
                body.push(b',');
            }
            let json = file.json(item);
            match self.form {
                Form::Objects => body.extend_from_slice(json.as_bytes()),
                Form::Metadata => {
                    let object = serde_json::from_str(json).unwrap_or_default();
                    body.extend_from_slice(partial(object).to_string().as_bytes());
                }
                Form::Table => {
                    let row = json!({"cells": table::cells(&self.kind, json, self.now), "object": null});
                    body.extend_from_slice(row.to_string().as_bytes());
                }
            }
        }
        body.extend_from_slice(b"]}");
        body
    }
}

impl Snapshot {
    /// The objects of a kind in one namespace or all, or why they cannot be had.
    fn found(&self, kind: &Kind, namespace: Option<&str>) -> Result<Vec<Found<'_>>, Answer> {
        let lists: Vec<&ListFile> = self.lists.get(kind).into_iter().flatten().collect();
        if let Some(why) = self.refusal(kind, namespace, &lists) {
            return Err(why);
        }
        let covers = |list: &&ListFile| {
            namespace.is_none() || list.namespace.is_none() || list.namespace.as_deref() == namespace
        };
        let lists: Vec<&ListFile> = lists.into_iter().filter(covers).collect();
        // Two files may hold the same list under two names of its kind.
        let mut places = BTreeSet::new();
        let overlap = lists.len() > 1
            && lists.iter().any(|list| list.namespace.is_none() || !places.insert(&list.namespace));
        let mut seen = BTreeSet::new();
        let mut found = Vec::new();
        for list in lists {
            let items = list.items().map_err(|why| {
                Answer::bad_request(&format!(
                    "the list of {} in the snapshot is unreadable: {why}",
                    kind.plural()
                ))
            })?;
            let wanted = items.iter().filter(|item| namespace.is_none_or(|wanted| item.namespace == wanted));
            found.extend(
                wanted
                    .filter(|item| {
                        !overlap || item.name.is_empty() || seen.insert((&item.namespace, &item.name))
                    })
                    .map(|item| (list, item)),
            );
        }
        Ok(found)
    }

    /// Why a list cannot be answered: it was forbidden, or it was not captured (in full).
    fn refusal(&self, kind: &Kind, namespace: Option<&str>, lists: &[&ListFile]) -> Option<Answer> {
        let whole = lists.iter().any(|list| list.namespace.is_none());
        let covers = |name: &str| whole || lists.iter().any(|list| list.namespace.as_deref() == Some(name));
        let failure = |namespace: Option<&str>| {
            self.failures
                .get(&(kind.clone(), namespace.map(str::to_owned)))
                .map(|why| Answer::forbidden(kind, why))
        };
        match namespace {
            // Of these only namespaces that have some are written.
            _ if kind.custom().is_some() && !lists.is_empty() => None,
            Some(name) if covers(name) => None,
            Some(name) => failure(Some(name)).or_else(|| failure(None)).or_else(|| {
                // Of a namespace that nothing mentions, an API server has an empty list.
                (lists.is_empty() || self.namespaces.contains(name)).then(Answer::unknown_path)
            }),
            None if whole => None,
            None if lists.is_empty() => {
                let failed = self.failures.iter().find(|((failed, _), _)| failed == kind);
                Some(failed.map_or_else(Answer::unknown_path, |(_, why)| Answer::forbidden(kind, why)))
            }
            None if !kind.namespaced() => None,
            None => (!self.expected.iter().all(|name| covers(name)))
                .then(|| Answer::forbidden(kind, "the snapshot does not hold this list for every namespace")),
        }
    }

    /// The JSON of one object.
    pub(super) fn object(&self, kind: &Kind, namespace: &str, name: &str) -> Option<String> {
        let found = self.found(kind, Some(namespace)).ok()?;
        found.into_iter().find(|(_, item)| item.name == name).map(|(list, item)| list.json(item).to_owned())
    }
}

/// In what form a list is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Objects,
    Metadata,
    /// Printed columns, without the objects.
    Table,
}

impl Form {
    fn of(accept: &str) -> Self {
        if accept.contains("as=Table") {
            Self::Table
        } else if metadata_only(accept) {
            Self::Metadata
        } else {
            Self::Objects
        }
    }
}

/// Whether the answer shall be metadata only.
fn metadata_only(accept: &str) -> bool {
    accept.contains("as=PartialObjectMetadata")
}

/// An object's metadata, in the shape that API servers give it.
///
/// Key names of `data` move into `managedFields`, where a cluster shows them, and `type` stays:
/// a snapshot that states both shall not say less than it knows.
fn partial(object: Value) -> Value {
    let Value::Object(mut object) = object else { return Value::Null };
    let mut metadata = object.remove("metadata").unwrap_or_else(|| json!({}));
    let mut keys = serde_json::Map::new();
    for section in ["data", "stringData", "binaryData"] {
        if let Some(Value::Object(data)) = object.get(section) {
            keys.extend(data.keys().map(|key| (format!("f:{key}"), json!({}))));
        }
    }
    if let (false, Some(fields)) = (keys.is_empty(), metadata.as_object_mut()) {
        let managers = fields.entry("managedFields").or_insert_with(|| json!([]));
        if let Some(managers) = managers.as_array_mut() {
            let none_names_data = managers.iter().all(|entry| entry.pointer("/fieldsV1/f:data").is_none());
            if none_names_data {
                managers.push(
                    json!({"manager": "snapshot", "operation": "Update", "fieldsV1": {"f:data": keys}}),
                );
            }
        }
    }
    let mut partial = json!({
        "kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": metadata,
    });
    if let (Some(kind), Some(partial)) = (object.remove("type"), partial.as_object_mut()) {
        partial.insert("type".to_owned(), kind);
    }
    partial
}

fn target<'p>(parts: &[&'p str]) -> Option<Target<'p>> {
    let (version, rest) = match parts {
        ["version"] => return Some(Target::Version),
        ["api", "v1", rest @ ..] => ("v1".to_owned(), rest),
        ["apis", group, version, rest @ ..] => (format!("{group}/{version}"), rest),
        _ => return None,
    };
    let kind = |resource: &str| {
        let own = Kind::ALL.iter().find(|kind| kind.plural() == resource && kind.api_version() == version);
        own.cloned().or_else(|| {
            let serves = |one: &&Resource| one.plural == resource && one.versions.contains(&version.as_str());
            RESOURCES.iter().find(serves).map(Resource::as_kind)
        })
    };
    match rest {
        ["namespaces", namespace, "pods", pod, "log"] if version == "v1" => {
            Some(Target::Log { namespace, pod })
        }
        ["namespaces", namespace, resource] => {
            let kind = kind(resource).filter(Kind::namespaced)?;
            Some(Target::List { kind, namespace: Some(namespace) })
        }
        ["namespaces", namespace, resource, name] => {
            let kind = kind(resource).filter(Kind::namespaced)?;
            Some(Target::Object { kind, namespace: Some(namespace), name })
        }
        [resource] => Some(Target::List { kind: kind(resource)?, namespace: None }),
        [resource, name] => {
            let kind = kind(resource).filter(|kind| !kind.namespaced())?;
            Some(Target::Object { kind, namespace: None, name })
        }
        _ => None,
    }
}

impl Service<Request<Body>> for SnapshotService {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Ready<Result<Self::Response, Self::Error>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let accept = request.headers().get(http::header::ACCEPT).and_then(|value| value.to_str().ok());
        let uri = request.uri();
        let answer = if request.method() == http::Method::GET {
            self.answer(uri.path(), uri.query().unwrap_or_default(), accept.unwrap_or_default())
        } else {
            Answer::refuse(405, "MethodNotAllowed", "a snapshot is read-only", None)
        };
        let mut response = Response::new(Body::from(answer.body));
        *response.status_mut() =
            http::StatusCode::from_u16(answer.status).unwrap_or(http::StatusCode::INTERNAL_SERVER_ERROR);
        let headers = response.headers_mut();
        headers.insert(http::header::CONTENT_TYPE, http::HeaderValue::from_static(answer.content_type));
        if let Some(date) = self.captured_at().and_then(http_date) {
            headers.insert(http::header::DATE, date);
        }
        ready(Ok(response))
    }
}

/// A `Date` header.
pub(crate) fn http_date(time: jiff::Timestamp) -> Option<http::HeaderValue> {
    http::HeaderValue::from_str(&time.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()).ok()
}
