//! What the description asks: names, symptoms and times, grounded in what is in the cluster.
//!
//! [`parse`] reads the text alone and needs no cluster; [`ground`] compares the names it found
//! with those that exist. Neither does I/O, neither decides what is wrong: symptoms and times
//! only rank, and a description can never hide a fault. A parser backed by a language model
//! may fill what the built-in one left empty, so [`ParsedIntent`] stands on its own.

mod catalog;
mod ground;
mod matching;
mod meanings;
mod merge;
mod names;
mod negation;
mod parse;
mod parser;
mod phrases;
mod resolve;
mod spelling;
mod symptoms;
mod text;
mod time;
mod words;

#[cfg(test)]
mod tests;

pub use ground::{GroundedIntent, GroundedObject, Window, ground};
pub use merge::Understanding;
pub use names::Names;
pub use parse::{NameForm, NameMention, NamespaceMention, ParsedIntent, Word, parse};
pub use parser::{BuiltinParser, IntentParser, Question, Reading};
pub use text::MAX_BYTES;
pub use time::{TimeMention, When};
pub use words::WordClass;

/// What a word can be, seen alone, whatever its capitals and accents.
pub fn class_of(word: &str) -> WordClass {
    words::class_of(&text::fold(word))
}
