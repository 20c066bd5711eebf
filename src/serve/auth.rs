//! Who asks: bearer tokens from a file, compared in constant time.
//!
//! Only digests of the tokens are kept, so that no dump of the process has them, and comparing
//! digests tells nothing about how much of a guess was right.

use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use axum::http::{HeaderMap, header};
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use subtle::{Choice, ConstantTimeEq};

use super::ServeError;

/// A shorter token can be guessed.
const SHORTEST: usize = 16;
/// A larger file is no list of tokens.
const MOST_BYTES: u64 = 1 << 20;

type Fingerprint = [u8; 32];

/// The tokens that are accepted.
#[derive(Debug)]
pub(crate) struct Auth {
    file: Option<PathBuf>,
    tokens: RwLock<Arc<[Fingerprint]>>,
}

/// Who a request is from.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Caller {
    /// Whoever has this token; the number is that of the token in its file.
    Token(usize),
    /// Somebody at this address.
    Address(std::net::IpAddr),
}

impl std::fmt::Display for Caller {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Token(number) => write!(f, "token {number}"),
            Self::Address(address) => write!(f, "{address}"),
        }
    }
}

impl Auth {
    /// Reads the tokens; without a file nobody needs one.
    pub(crate) fn load(file: Option<&Path>) -> Result<Self, ServeError> {
        let tokens = file.map(read).transpose()?.unwrap_or_default();
        Ok(Self { file: file.map(Path::to_owned), tokens: RwLock::new(tokens.into()) })
    }

    /// Whether a token is needed.
    pub(crate) fn is_required(&self) -> bool {
        self.file.is_some()
    }

    /// Reads the tokens again; they stay as they are where that fails.
    pub(crate) fn reload(&self) -> Result<bool, ServeError> {
        let Some(file) = &self.file else { return Ok(false) };
        let fresh = read(file)?;
        let mut tokens = self.tokens.write().unwrap_or_else(PoisonError::into_inner);
        let changed = **tokens != *fresh;
        *tokens = fresh.into();
        Ok(changed)
    }

    /// The number of the token that a request has, counted from 1; none where it has no valid one.
    pub(crate) fn token(&self, headers: &HeaderMap) -> Option<usize> {
        let given = bearer(headers)?;
        let given = fingerprint(&given);
        let tokens = Arc::clone(&self.tokens.read().unwrap_or_else(PoisonError::into_inner));
        // Every token is compared, whichever matches.
        let (mut found, mut number) = (Choice::from(0), 0_u64);
        for (index, token) in (1_u64..).zip(tokens.iter()) {
            let same = token.ct_eq(&given);
            found |= same;
            number |= index * u64::from(same.unwrap_u8());
        }
        bool::from(found).then(|| usize::try_from(number).unwrap_or_default())
    }
}

fn bearer(headers: &HeaderMap) -> Option<SecretString> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| SecretString::from(token.trim()))
}

fn fingerprint(token: &SecretString) -> Fingerprint {
    Sha256::digest(token.expose_secret().as_bytes()).into()
}

/// One token a line; empty lines and those that begin with `#` do not count.
fn read(file: &Path) -> Result<Vec<Fingerprint>, ServeError> {
    let failed = |why: String| ServeError::Tokens { path: file.to_owned(), why };
    let text = super::files::read(file, MOST_BYTES).map_err(|error| failed(error.to_string()))?;
    let text = String::from_utf8(text).map_err(|_| failed("it is no text".to_owned()))?;
    let mut tokens = Vec::new();
    for (number, line) in (1..).zip(text.lines().map(str::trim)) {
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if line.len() < SHORTEST || !line.bytes().all(|byte| byte.is_ascii_graphic()) {
            // The line itself may be a secret.
            return Err(failed(format!(
                "line {number} is no token: write at least {SHORTEST} printable characters without spaces"
            )));
        }
        tokens.push(fingerprint(&SecretString::from(line)));
    }
    if tokens.is_empty() { Err(failed("it has no token".to_owned())) } else { Ok(tokens) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn auth(text: &str) -> Result<Auth, ServeError> {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("tokens");
        std::fs::write(&file, text).unwrap();
        Auth::load(Some(&file))
    }

    fn with(value: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(header::AUTHORIZATION, value.parse().unwrap());
        headers
    }

    #[test]
    fn any_token_of_the_file_opens() {
        let auth = auth("# team\nfirst-token-0123456\n\n  second-token-012345  \n").unwrap();
        assert_eq!(auth.token(&with("Bearer first-token-0123456")), Some(1));
        assert_eq!(auth.token(&with("bearer second-token-012345")), Some(2));
        for wrong in
            ["Bearer first-token-012345", "Basic first-token-0123456", "first-token-0123456", "Bearer"]
        {
            assert_eq!(auth.token(&with(wrong)), None, "{wrong}");
        }
        assert_eq!(auth.token(&HeaderMap::new()), None);
    }

    #[test]
    fn a_bad_file_is_refused_without_showing_it() {
        for text in ["", "# nothing\n", "short\n", "has spaces in it and is long\n"] {
            let message = auth(text).unwrap_err().to_string();
            assert!(!message.contains("short") && !message.contains("has spaces"), "{message}");
        }
    }
}
