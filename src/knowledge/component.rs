//! Components: a team's own statement of what calls what, as relations.

use crate::cluster::topology::{Edge, Relation};
use crate::cluster::{Kind, ObjectRef};

use super::load::Graph;

/// Relations that component files state.
///
/// # Errors
/// Names the reference that is not `Kind/namespace/name`.
pub fn relations(graph: &Graph) -> Result<Vec<Edge>, String> {
    let mut edges = Vec::new();
    for component in graph.components() {
        let from = parse_reference(&component.name)?;
        for dependency in &component.depends_on {
            edges.push(Edge {
                from: from.clone(),
                to: parse_reference(dependency)?,
                relation: Relation::Calls,
                stated_in: "components file".into(),
            });
        }
    }
    Ok(edges)
}

/// Reads `Kind/namespace/name`, or `Kind/name` for cluster-scoped kinds.
///
/// # Errors
/// Says what the text should look like.
pub fn parse_reference(text: &str) -> Result<ObjectRef, String> {
    let parts: Vec<&str> = text.split('/').collect();
    match *parts.as_slice() {
        [kind, namespace, name] if !name.is_empty() => Ok(ObjectRef::new(Kind::from(kind), namespace, name)),
        [kind, name] if !Kind::from(kind).namespaced() => Ok(ObjectRef::cluster(Kind::from(kind), name)),
        _ => Err(format!("`{text}` is no reference; write Kind/namespace/name")),
    }
}
