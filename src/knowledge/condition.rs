//! Conditions: typed matchers for parameters, CEL for what they do not express.

use std::net::IpAddr;

use cel::{Context, Env, Program};
use regex::Regex;
use serde_json::Value;

use crate::cluster::quantity::Quantity;

/// A compiled matcher of one parameter.
#[derive(Clone, Debug)]
pub enum Matcher {
    /// One of these values.
    OneOf(Vec<Value>),
    /// None of these values (absent counts as a match).
    Not(Vec<Value>),
    /// A number above and below bounds.
    Range(Option<f64>, Option<f64>),
    /// Present, or absent.
    Exists(bool),
    /// Text that the pattern finds something in.
    Matches(Regex),
}

impl Matcher {
    /// Compiles a matcher.
    ///
    /// # Errors
    /// What is wrong with it, in one line.
    pub fn compile(value: &Value) -> Result<Self, String> {
        let Value::Object(operators) = value else {
            return Ok(Self::OneOf(alternatives(value)));
        };
        let [(operator, operand)] = operators.iter().collect::<Vec<_>>()[..] else {
            return match (operators.get("gt"), operators.get("lt")) {
                (Some(low), Some(high)) if operators.len() == 2 => {
                    Ok(Self::Range(low.as_f64(), high.as_f64()))
                }
                _ => Err("needs exactly one of not, gt, lt, exists, matches (or gt and lt)".to_owned()),
            };
        };
        match operator.as_str() {
            "not" => Ok(Self::Not(alternatives(operand))),
            "gt" => {
                operand.as_f64().map(|low| Self::Range(Some(low), None)).ok_or("gt needs a number".to_owned())
            }
            "lt" => operand
                .as_f64()
                .map(|high| Self::Range(None, Some(high)))
                .ok_or("lt needs a number".to_owned()),
            "exists" => operand.as_bool().map(Self::Exists).ok_or("exists needs true or false".to_owned()),
            "matches" => {
                let pattern = operand.as_str().ok_or("matches needs a pattern")?;
                Regex::new(pattern).map(Self::Matches).map_err(|error| format!("bad pattern: {error}"))
            }
            other => Err(format!("unknown operator `{other}`")),
        }
    }

    /// Whether a parameter (none: absent) matches.
    pub fn matches(&self, value: Option<&Value>) -> bool {
        match (self, value) {
            (Self::Exists(wanted), value) => value.is_some_and(|value| !value.is_null()) == *wanted,
            (Self::Not(values), value) => {
                value.is_none_or(|value| !values.iter().any(|other| same(other, value)))
            }
            (_, None) => false,
            (Self::OneOf(values), Some(value)) => values.iter().any(|other| same(other, value)),
            (Self::Range(low, high), Some(value)) => value.as_f64().is_some_and(|number| {
                low.is_none_or(|low| number > low) && high.is_none_or(|high| number < high)
            }),
            (Self::Matches(pattern), Some(value)) => {
                value.as_str().is_some_and(|text| pattern.is_match(text))
            }
        }
    }
}

fn alternatives(value: &Value) -> Vec<Value> {
    match value {
        Value::Array(values) => values.clone(),
        single => vec![single.clone()],
    }
}

/// Equality that also finds a value inside a list parameter.
fn same(wanted: &Value, have: &Value) -> bool {
    match have {
        Value::Array(items) => items.iter().any(|item| same(wanted, item)),
        Value::Number(number) => wanted.as_f64() == number.as_f64(),
        other => wanted == other,
    }
}

/// Longest CEL source taken: the interpreter has no cost limit.
const MAX_CEL: usize = 4096;

/// Variables that CEL expressions may use.
pub const CEL_VARIABLES: [&str; 3] = ["object", "fact", "now"];
/// Functions beyond CEL's own.
pub const CEL_FUNCTIONS: [&str; 4] = ["quantity", "ip", "cidr", "seconds"];

/// A compiled CEL condition.
#[derive(Debug)]
pub struct Expression {
    program: Program,
}

impl Expression {
    /// Compiles an expression.
    ///
    /// # Errors
    /// What is wrong with it, in one line; also for names and functions that do not exist.
    pub fn compile(source: &str) -> Result<Self, String> {
        if source.len() > MAX_CEL {
            return Err(format!("CEL expression longer than {MAX_CEL} bytes"));
        }
        let program = Program::compile(source).map_err(|error| one_line(&error.to_string()))?;
        let references = program.references();
        for name in references.variables() {
            if !CEL_VARIABLES.contains(&name) {
                return Err(format!("unknown variable `{name}`; use object, fact or now"));
            }
        }
        Ok(Self { program })
    }

    /// Functions the expression calls.
    pub fn functions(&self) -> Vec<String> {
        self.program.references().functions().iter().map(|name| (*name).to_owned()).collect()
    }

    /// Evaluates the expression. A missing key is unknown, which is none.
    pub fn evaluate(&self, object: &Value, fact: &Value, now_seconds: i64) -> Option<bool> {
        let env = std::sync::Arc::new(Env::stdlib());
        let mut context = Context::with_env(env);
        context.add_variable("object", object).ok()?;
        context.add_variable("fact", fact).ok()?;
        context.add_variable("now", now_seconds).ok()?;
        add_functions(&mut context)?;
        match self.program.execute(&context) {
            Ok(cel::Value::Bool(value)) => Some(value),
            _ => None,
        }
    }
}

/// Registers our functions; none where the interpreter refuses one.
fn add_functions(context: &mut Context<'_, '_>) -> Option<()> {
    type Text = std::sync::Arc<String>;
    let quantity = |text: Text| -> f64 { text.parse::<Quantity>().map_or(f64::NAN, Quantity::as_f64) };
    let ip = |text: Text| -> bool { text.parse::<IpAddr>().is_ok() };
    let cidr = |range: Text, address: Text| -> bool { in_range(&range, &address) };
    let seconds =
        |time: Text| -> i64 { time.parse::<jiff::Timestamp>().map_or(i64::MIN, jiff::Timestamp::as_second) };
    context.add_function("quantity", quantity).ok()?;
    context.add_function("ip", ip).ok()?;
    context.add_function("cidr", cidr).ok()?;
    context.add_function("seconds", seconds).ok()
}

/// Whether an address lies in a CIDR range.
pub fn in_range(range: &str, address: &str) -> bool {
    let Some((network, bits)) = range.split_once('/') else { return range == address };
    let (Ok(network), Ok(address), Ok(bits)) =
        (network.parse::<IpAddr>(), address.parse::<IpAddr>(), bits.parse::<u32>())
    else {
        return false;
    };
    match (network, address) {
        (IpAddr::V4(network), IpAddr::V4(address)) if bits <= 32 => {
            let mask = u32::MAX.checked_shl(32 - bits).unwrap_or(0);
            network.to_bits() & mask == address.to_bits() & mask
        }
        (IpAddr::V6(network), IpAddr::V6(address)) if bits <= 128 => {
            let mask = u128::MAX.checked_shl(128 - bits).unwrap_or(0);
            network.to_bits() & mask == address.to_bits() & mask
        }
        _ => false,
    }
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn matchers_cover_values_lists_and_ranges() {
        let matches =
            |matcher: Value, value: Value| Matcher::compile(&matcher).unwrap().matches(Some(&value));
        assert!(matches(json!("auth"), json!("auth")));
        assert!(matches(json!(["auth", "dns"]), json!("dns")));
        assert!(matches(json!("a"), json!(["a", "b"])));
        assert!(matches(json!({"gt": 3}), json!(4)));
        assert!(!matches(json!({"gt": 3, "lt": 4}), json!(4)));
        assert!(matches(json!({"not": "x"}), json!("y")));
        assert!(Matcher::compile(&json!({"like": 1})).is_err());
        assert!(Matcher::compile(&json!({"exists": false})).unwrap().matches(None));
    }

    #[test]
    fn cel_sees_the_object_and_our_functions() {
        let object = json!({"spec": {"replicas": 3, "memory": "1Gi"}});
        let run = |source: &str| Expression::compile(source).unwrap().evaluate(&object, &json!({}), 0);
        assert_eq!(run("object.spec.replicas > 2"), Some(true));
        assert_eq!(run("quantity(object.spec.memory) > 1000.0"), Some(true));
        assert_eq!(run("object.spec.nothing == 1"), None);
        assert_eq!(run("cidr('10.0.0.0/8', '10.2.3.4')"), Some(true));
        assert!(Expression::compile("pod.spec").is_err());
        assert!(Expression::compile("object.").is_err());
    }
}
