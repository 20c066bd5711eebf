//! Cuts a description into tokens: the only place that looks at characters.
//!
//! Linear in the input, which is capped; control characters count as spaces, so no
//! terminal escape or odd byte of a pasted log reaches the rest.

use std::collections::VecDeque;

/// Bytes of a description that are read; the rest is ignored.
pub const MAX_BYTES: usize = 16 * 1024;

/// A word as typed, with what stood around it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Token {
    /// The word without the punctuation at its ends.
    pub text: String,
    /// Lower case, without accents and apostrophes: what the word lists contain.
    pub folded: String,
    /// Number of the clause: punctuation and line ends begin a new one.
    pub clause: usize,
    /// Whether the word stood alone in quotes or backticks.
    pub quoted: bool,
    /// `=` or `:` directly before (spaces aside): the word is a value.
    pub value_of: Option<char>,
    /// Whether it was typed as a flag, such as `-n`.
    pub flag: bool,
    /// Whether a question mark follows.
    pub asked: bool,
}

/// Lower case, Latin letters without accents, no apostrophes.
pub(super) fn fold(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    for character in text.chars().flat_map(char::to_lowercase) {
        match character {
            'à' | 'á' | 'â' | 'ã' | 'ä' | 'å' => folded.push('a'),
            'ç' | 'č' => folded.push('c'),
            'è' | 'é' | 'ê' | 'ë' => folded.push('e'),
            'ì' | 'í' | 'î' | 'ï' => folded.push('i'),
            'ñ' => folded.push('n'),
            'ò' | 'ó' | 'ô' | 'õ' | 'ö' | 'ø' => folded.push('o'),
            'ù' | 'ú' | 'û' | 'ü' => folded.push('u'),
            'ý' | 'ÿ' => folded.push('y'),
            'ß' => folded.push_str("ss"),
            'œ' => folded.push_str("oe"),
            'æ' => folded.push_str("ae"),
            '\'' | '\u{301}' | '\u{308}' => {}
            other => folded.push(other),
        }
    }
    folded
}

/// Splits a word in camel case, such as `CrashLoopBackOff`, into lower-case words.
///
/// None where it is not in camel case.
pub(super) fn camel_words(text: &str) -> Option<Vec<String>> {
    let characters: Vec<char> = text.chars().collect();
    let mut words = vec![String::new()];
    for (index, character) in characters.iter().enumerate() {
        let before = index.checked_sub(1).and_then(|index| characters.get(index));
        // `PDFs` and `APIs` are one word: the plural ends it.
        let ends = |at: usize| characters.get(at + 1).is_none_or(|next| !next.is_lowercase());
        let after = characters.get(index + 1).filter(|after| **after != 's' || !ends(index + 1));
        let begins = character.is_uppercase()
            && before.is_some_and(|before| {
                before.is_lowercase()
                    || before.is_ascii_digit()
                    // The last capital of `HPAReplicas` begins the next word.
                    || before.is_uppercase() && after.is_some_and(|after| after.is_lowercase())
            });
        if begins || !character.is_alphanumeric() {
            words.push(String::new());
        }
        if character.is_alphanumeric()
            && let Some(last) = words.last_mut()
        {
            last.extend(character.to_lowercase());
        }
    }
    words.retain(|word| !word.is_empty());
    let mixed = text.chars().any(char::is_lowercase) && text.chars().skip(1).any(char::is_uppercase);
    (mixed && words.len() > 1).then_some(words)
}

/// The parts of a name between hyphens, dots and the like, in lower case.
pub(super) fn name_parts(name: &str) -> Vec<String> {
    name.split(|character: char| !character.is_alphanumeric())
        .filter(|part| !part.is_empty())
        .map(str::to_lowercase)
        .collect()
}

/// A name without what separates its parts.
pub(super) fn squash(name: &str) -> String {
    name.chars().filter(|character| character.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// The tokens of a description, in order.
pub(super) fn tokens(description: &str) -> Vec<Token> {
    Scanner::new(description).run()
}

/// Characters that may stand inside a word.
fn is_inner(character: char) -> bool {
    character.is_alphanumeric()
        || matches!(
            character,
            '-' | '_' | '.' | '/' | ':' | '\'' | '+' | '%' | '@' | '*' | '\u{301}' | '\u{308}'
        )
}

struct Scanner {
    rest: VecDeque<char>,
    tokens: Vec<Token>,
    clause: usize,
    value_of: Option<char>,
    quote: Option<char>,
}

impl Scanner {
    fn new(description: &str) -> Self {
        let mut bytes = 0;
        let rest = description
            .chars()
            .take_while(|character| {
                bytes += character.len_utf8();
                bytes <= MAX_BYTES
            })
            .map(|character| match character {
                '\n' | '\r' => '\n',
                '‘' | '’' | '´' => '\'',
                '“' | '”' | '„' | '«' | '»' => '"',
                '\u{2010}' | '\u{2011}' => '-',
                control if control.is_control() => ' ',
                other => other,
            })
            .collect();
        Self { rest, tokens: Vec::new(), clause: 0, value_of: None, quote: None }
    }

    fn run(mut self) -> Vec<Token> {
        while let Some(character) = self.rest.pop_front() {
            if character == '\'' || !is_inner(character) {
                self.punctuation(character);
            } else {
                self.word(character);
            }
        }
        self.tokens
    }

    fn punctuation(&mut self, character: char) {
        match character {
            '=' => self.value_of = Some('='),
            '"' | '\'' | '`' => {
                self.quote = Some(character);
                return;
            }
            ' ' | '\t' | '~' | '#' | '$' => {}
            '?' => {
                if let Some(last) = self.tokens.last_mut() {
                    last.asked = true;
                }
                self.break_clause();
            }
            _ => self.break_clause(),
        }
        self.quote = None;
    }

    fn break_clause(&mut self) {
        self.clause += 1;
        self.value_of = None;
    }

    fn word(&mut self, first: char) {
        let mut raw = String::from(first);
        while let Some(next) = self.rest.front().copied().filter(|next| is_inner(*next)) {
            raw.push(next);
            self.rest.pop_front();
        }
        let closed_by = self.rest.front().copied().filter(|next| matches!(next, '"' | '`'));
        let quoted = match self.quote.take() {
            Some('\'') => raw.ends_with('\''),
            open => open.is_some() && open == closed_by,
        };
        let trimmed = raw.trim_end_matches(|c: char| !c.is_alphanumeric() && c != '+' && c != '%');
        let text = trimmed.trim_start_matches(|c: char| !c.is_alphanumeric());
        let ending = raw.chars().skip(trimmed.chars().count());
        let (mut colon, mut stop) = (false, false);
        for character in ending {
            colon |= character == ':';
            stop |= character == '.';
        }
        if text.is_empty() {
            // A dash between spaces separates; a lone colon belongs to `key : value`.
            if colon {
                self.value_of = Some(':')
            } else {
                self.break_clause()
            }
            return;
        }
        self.tokens.push(Token {
            folded: fold(text),
            flag: raw.starts_with('-'),
            text: text.to_owned(),
            clause: self.clause,
            quoted,
            value_of: self.value_of.take(),
            asked: false,
        });
        if stop || colon {
            self.break_clause();
        }
        if colon {
            self.value_of = Some(':');
        }
    }
}
