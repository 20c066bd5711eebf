//! Kubernetes quantities: `100m`, `1Gi`, `2e3`.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::types::Map;

/// An amount of a resource in thousandths of its unit (cores, bytes, items).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Quantity {
    milli: i128,
}

/// Amounts by resource name.
pub type ResourceList = Map<Quantity>;

/// What does not read as a quantity.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("`{0}` is no quantity; write a number with an optional suffix such as m, k, Mi or Gi")]
pub struct ParseQuantityError(String);

const SUFFIXES: [(&str, i128); 14] = [
    ("Ki", 1 << 10),
    ("Mi", 1 << 20),
    ("Gi", 1 << 30),
    ("Ti", 1 << 40),
    ("Pi", 1 << 50),
    ("Ei", 1 << 60),
    ("k", 1_000),
    ("K", 1_000),
    ("M", 1_000_000),
    ("G", 1_000_000_000),
    ("T", 1_000_000_000_000),
    ("P", 1_000_000_000_000_000),
    ("E", 1_000_000_000_000_000_000),
    ("", 1),
];

impl Quantity {
    /// Nothing.
    pub const ZERO: Self = Self { milli: 0 };

    /// A whole number of units.
    pub fn from_units(units: i64) -> Self {
        Self { milli: i128::from(units) * 1000 }
    }

    /// A number of thousandths.
    pub fn from_milli(milli: i64) -> Self {
        Self { milli: i128::from(milli) }
    }

    /// Thousandths of the unit.
    pub fn milli(self) -> i128 {
        self.milli
    }

    /// Units, as a floating-point number.
    #[expect(clippy::cast_precision_loss, reason = "used for display and ratios only")]
    pub fn as_f64(self) -> f64 {
        self.milli as f64 / 1000.0
    }

    /// The sum; saturates instead of overflowing.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self { milli: self.milli.saturating_add(other.milli) }
    }

    /// The difference; saturates instead of overflowing.
    #[must_use]
    pub fn minus(self, other: Self) -> Self {
        Self { milli: self.milli.saturating_sub(other.milli) }
    }
}

impl FromStr for Quantity {
    type Err = ParseQuantityError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let error = || ParseQuantityError(text.chars().take(40).collect());
        let trimmed = text.trim();
        let number_end = trimmed
            .find(|c: char| !(c.is_ascii_digit() || matches!(c, '.' | '+' | '-')))
            .unwrap_or(trimmed.len());
        let (number, suffix) = trimmed.split_at(number_end);
        let (multiplier, divisor) = match suffix {
            "n" => (1, 1_000_000_000),
            "u" => (1, 1_000_000),
            "m" => (1, 1_000),
            _ => match SUFFIXES.iter().find(|(name, _)| *name == suffix) {
                Some((_, factor)) => (*factor, 1),
                None => (exponent(suffix).ok_or_else(error)?, 1),
            },
        };
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        let negative = whole.starts_with('-');
        let digits = whole.strip_prefix(['+', '-']).unwrap_or(whole);
        let valid = |part: &str| part.len() <= 18 && part.bytes().all(|byte| byte.is_ascii_digit());
        if !valid(digits) || !valid(fraction) || (digits.is_empty() && fraction.is_empty()) {
            return Err(error());
        }
        let parse =
            |part: &str| if part.is_empty() { Ok(0) } else { part.parse::<i128>().map_err(|_| error()) };
        let scale = 10_i128.pow(u32::try_from(fraction.len()).map_err(|_| error())?);
        let units = parse(digits)?
            .checked_mul(scale)
            .and_then(|value| value.checked_add(parse(fraction).ok()?))
            .ok_or_else(error)?;
        // Rounded up, as Kubernetes does: a request of 1n is not nothing.
        let numerator =
            units.checked_mul(1000).and_then(|value| value.checked_mul(multiplier)).ok_or_else(error)?;
        let denominator = scale * divisor;
        let milli = numerator / denominator + i128::from(numerator % denominator != 0);
        Ok(Self { milli: if negative { -milli } else { milli } })
    }
}

/// `e3` or `E3` as a factor.
fn exponent(suffix: &str) -> Option<i128> {
    let power: u32 = suffix.strip_prefix(['e', 'E'])?.parse().ok()?;
    (power <= 18).then(|| 10_i128.pow(power))
}

impl fmt::Display for Quantity {
    /// The shortest exact form: `250m`, `2`, `512Mi`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.milli % 1000 != 0 {
            return write!(f, "{}m", self.milli);
        }
        let units = self.milli / 1000;
        for (suffix, factor) in SUFFIXES[..6].iter().rev() {
            if units != 0 && units % factor == 0 {
                return write!(f, "{}{suffix}", units / factor);
            }
        }
        if units.abs() >= 1 << 30 {
            // Exactness does not help a reader here: 24581692Ki-like sums become 23.4Gi.
            return write!(f, "{:.1}Gi", self.as_f64() / f64::from(1_u32 << 30));
        }
        write!(f, "{units}")
    }
}

impl Serialize for Quantity {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Quantity {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // A quantity that does not read is an unknown amount, not a reason to lose the object.
        let value = super::types::IntOrString::deserialize(deserializer)?;
        Ok(match value {
            super::types::IntOrString::Int(units) => Self::from_units(units),
            super::types::IntOrString::String(text) => text.parse().unwrap_or_default(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn milli(text: &str) -> i128 {
        text.parse::<Quantity>().unwrap().milli()
    }

    #[test]
    fn reads_every_suffix() {
        assert_eq!(milli("100m"), 100);
        assert_eq!(milli("1.5"), 1500);
        assert_eq!(milli(".5"), 500);
        assert_eq!(milli("1Ki"), 1_024_000);
        assert_eq!(milli("0.5Gi"), 512 * 1024 * 1024 * 1000);
        assert_eq!(milli("2e3"), 2_000_000);
        assert_eq!(milli("1k"), 1_000_000);
        assert_eq!(milli("5n"), 1);
        assert_eq!(milli("-1"), -1000);
    }

    #[test]
    fn refuses_what_is_no_quantity() {
        for text in ["", "m", "1.2.3", "ten", "1Qi", "99999999999999999999E", "1e99", "--1"] {
            assert!(text.parse::<Quantity>().is_err(), "{text}");
        }
    }

    #[test]
    fn prints_the_shortest_exact_form() {
        for text in ["250m", "2", "512Mi", "1Gi", "100"] {
            assert_eq!(text.parse::<Quantity>().unwrap().to_string(), text);
        }
    }

    proptest::proptest! {
        #[test]
        fn never_panics(text in ".{0,40}") {
            let _ = text.parse::<Quantity>();
        }

        #[test]
        fn milli_round_trips(value in -1_000_000_i64..1_000_000) {
            let quantity = Quantity::from_milli(value);
            proptest::prop_assert_eq!(quantity.to_string().parse::<Quantity>().unwrap(), quantity);
        }
    }
}
