//! Which names stand before a credential.

/// Ends of words that name a credential.
const SECRET_ENDS: &[&str] = &[
    "password",
    "passwd",
    "passphrase",
    "passcode",
    "pwd",
    "secret",
    "token",
    "credential",
    "credentials",
    "creds",
    "apikey",
    "secretkey",
    "accesskey",
    "privatekey",
    "authkey",
    "jwt",
    "userpass",
    "dbpass",
    "kubeconfig",
];

/// Whole words that name a credential.
const SECRET_WORDS: &[&str] = &["pass", "pw", "otp", "pat", "authorization", "cookie", "dockerconfigjson"];

/// What makes a `key` a credential; other keys are map keys, label keys, topology keys …
const SECRET_KEYS: &[&str] = &[
    "api",
    "access",
    "secret",
    "private",
    "encryption",
    "signing",
    "master",
    "account",
    "auth",
    "license",
    "ssh",
    "deploy",
    "shared",
    "admin",
    "storage",
    "crypto",
    "cipher",
    "hmac",
    "aes",
    "rsa",
    "session",
    "webhook",
    "ingest",
    "app",
    "application",
    "subscription",
    "consumer",
    "write",
    "root",
    "unseal",
    "recovery",
    "cookie",
    "jwt",
];

/// Last words that say the value describes a credential and is none.
const DESCRIPTORS: &[&str] = &[
    "name",
    "names",
    "file",
    "files",
    "path",
    "paths",
    "url",
    "uri",
    "ref",
    "refs",
    "ttl",
    "expiry",
    "expires",
    "expiration",
    "expired",
    "seconds",
    "minutes",
    "hours",
    "days",
    "length",
    "len",
    "min",
    "max",
    "count",
    "policy",
    "type",
    "types",
    "enabled",
    "disabled",
    "required",
    "header",
    "algorithm",
    "alg",
    "endpoint",
    "host",
    "port",
    "user",
    "username",
    "dir",
    "directory",
    "mount",
    "mounts",
    "version",
    "provider",
    "store",
    "class",
    "format",
    "prefix",
    "suffix",
    "rotation",
    "age",
    "lifetime",
    "timeout",
    "issuer",
    "audience",
    "limit",
    "size",
    "review",
    "reviews",
    "request",
    "requests",
    "status",
    "namespace",
    "volume",
    "optional",
    "exists",
    "controller",
    "id",
    "projection",
    "error",
    "errors",
    "usage",
    "count",
    "scope",
    "scopes",
    "method",
    "attempts",
    "retries",
    "interval",
];

/// Words before a value that is a credential only if it looks random.
const WEAK_WORDS: &[&str] = &[
    "key",
    "auth",
    "sig",
    "signature",
    "session",
    "sid",
    "sessionid",
    "nonce",
    "salt",
    "license",
    "webhook",
    "code",
];

/// Whether a value behind this name is a credential, as in `SMTP_PASS`, `clientSecret`, `api-key`,
/// and not in `secretName`, `PASSWORD_FILE` or `topologyKey`.
pub fn sensitive_name(name: &str) -> bool {
    let words = words(name);
    let Some(last) = words.last() else { return false };
    if DESCRIPTORS.contains(&last.as_str()) {
        return false;
    }
    let named = |word: &String| {
        SECRET_WORDS.contains(&word.as_str()) || SECRET_ENDS.iter().any(|end| word.ends_with(end))
    };
    words.iter().any(named) || words.windows(2).any(is_secret_key)
}

fn is_secret_key(pair: &[String]) -> bool {
    matches!(pair, [what, key] if matches!(key.as_str(), "key" | "keys") && SECRET_KEYS.contains(&what.as_str()))
}

/// Whether a random-looking value behind this name is a credential.
pub(super) fn weak_name(name: &str) -> bool {
    words(name).last().is_some_and(|word| WEAK_WORDS.contains(&word.as_str()))
}

/// Whether this name is a key in the cryptographic sense, whose value is often a file's path.
pub(super) fn ends_with_key(name: &str) -> bool {
    name.to_ascii_lowercase().ends_with("key")
}

/// The words of a snake, kebab, dotted or camel case name, in lower case.
fn words(name: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut current = String::new();
    let mut chars = name.chars().peekable();
    let mut before = ' ';
    while let Some(char) = chars.next() {
        let starts = char.is_uppercase()
            && (before.is_lowercase()
                || before.is_ascii_digit()
                // The `K` of `APIKey`.
                || (before.is_uppercase() && chars.peek().is_some_and(|next| next.is_lowercase())));
        if (starts || !char.is_alphanumeric()) && !current.is_empty() {
            words.push(std::mem::take(&mut current));
        }
        if char.is_alphanumeric() {
            current.extend(char.to_lowercase());
        }
        before = char;
    }
    if !current.is_empty() {
        words.push(current);
    }
    // `DB_PASSWORD_1` and `token2` are named after what the digits number.
    words
        .iter_mut()
        .for_each(|word| word.truncate(word.trim_end_matches(|c: char| c.is_ascii_digit()).len()));
    words.retain(|word| !word.is_empty());
    words
}
