//! Slips in the names of variables.

use crate::diagnose::container::Instance;
use crate::diagnose::{Context, Fact, revision};
use crate::evidence::Evidence;

/// Whether two names are the same but for a slip: case, separators, a letter or two.
pub(super) fn is_typo(name: &str, wanted: &str) -> bool {
    let plain = |text: &str| {
        text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect::<String>()
    };
    let (own, other) = (plain(name), plain(wanted));
    if own == other {
        return name != wanted;
    }
    match strsim::damerau_levenshtein(&own, &other) {
        1 => wanted.len() >= 4,
        2 => wanted.len() >= 10,
        _ => false,
    }
}

/// A variable that the newest revision spells otherwise, in a container that crashes since: many a
/// program takes a default for what is not set, and says nothing of the variable.
pub(super) fn renamed(context: &Context<'_>, instance: &Instance<'_>) -> Option<Fact> {
    if !instance.is_crashing(context) {
        return None;
    }
    let (added, removed) = revision::renamed_variables(context, instance.workload, instance.name())?;
    let spec = instance.spec?;
    let (variable, closest) =
        removed.iter().find_map(|name| added.iter().find(|new| is_typo(new, name)).map(|new| (name, new)))?;
    // Only pods of the newest revision have the new name.
    spec.env.iter().find(|own| own.name == *closest)?;
    let place = format!("env {variable} of container {}", instance.name());
    Some(
        Fact::new("env.missing", instance.workload.clone())
            .param("variable", variable.clone())
            .param("container", instance.name())
            .param("state", "absent")
            .param("closest", closest.clone())
            .param("removed", "yes")
            .evidence([
                Evidence::absence(instance.pod_ref(), place),
                Evidence::spec(
                    instance.pod_ref(),
                    format!("spec.containers[{}].env", instance.name()),
                    format!("{closest}; the revision before had {variable}"),
                ),
            ]),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_and_other_names() {
        assert!(is_typo("DATABSE_URL", "DATABASE_URL"));
        assert!(is_typo("database_url", "DATABASE_URL"));
        assert!(is_typo("DATABASEURL", "DATABASE_URL"));
        assert!(!is_typo("DB_HOST", "DB_PORT"));
        assert!(!is_typo("PORT", "HOST"));
        assert!(!is_typo("DATABASE_URL", "DATABASE_URL"));
    }
}
