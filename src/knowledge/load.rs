//! Loads failure modes and components: the bundled ones, then the user's directories over them.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use flate2::read::DeflateDecoder;
use sha2::{Digest, Sha256};

use super::condition::{Expression, Matcher};
use super::schema::{Component, ComponentFile, FailureMode, Match};

/// The bundled files, as `build.rs` packs them.
static BUNDLED: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/knowledge_graph.deflate"));

/// Largest YAML file taken.
const MAX_FILE: u64 = 1 << 20;

/// Why a knowledge graph did not load.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// A file or directory could not be read.
    #[error("cannot read {path}: {source}")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A file is no failure mode.
    #[error("{file}: {message}")]
    Parse {
        /// The file.
        file: String,
        /// What is wrong and where.
        message: String,
    },
}

/// A failure mode with its conditions compiled.
#[derive(Debug)]
pub struct Compiled {
    /// As written.
    pub mode: FailureMode,
    /// The file it came from.
    pub file: String,
    /// Compiled `when` and evidence conditions.
    pub all: Vec<CompiledMatch>,
    /// See [`super::schema::When::any`].
    pub any: Vec<CompiledMatch>,
    /// See [`super::schema::When::none`].
    pub none: Vec<CompiledMatch>,
    /// See [`FailureMode::supports`].
    pub supports: Vec<CompiledMatch>,
    /// See [`FailureMode::contradicts`].
    pub contradicts: Vec<CompiledMatch>,
    /// Compiled `when.cel`.
    pub cel: Option<Expression>,
}

/// A compiled [`Match`].
#[derive(Clone, Debug)]
pub struct CompiledMatch {
    /// The fact's name.
    pub fact: String,
    /// Matchers by parameter.
    pub params: Vec<(String, Matcher)>,
}

/// The merged knowledge graph.
#[derive(Debug, Default)]
pub struct Graph {
    modes: BTreeMap<String, Compiled>,
    components: Vec<Component>,
    digest: String,
}

/// Name and text of every bundled file, in order.
fn bundled() -> Vec<(String, String)> {
    let mut all = String::new();
    // What was packed at build time unpacks; a test reads it.
    let unpacked = DeflateDecoder::new(BUNDLED).read_to_string(&mut all);
    debug_assert!(unpacked.is_ok(), "{unpacked:?}");
    let mut files = Vec::new();
    let mut rest = all.as_str();
    while let Some((name, length, text)) = next_file(rest) {
        files.push((name.to_owned(), text.to_owned()));
        rest = rest.get(name.len() + length.len() + 2 + text.len()..).unwrap_or_default();
    }
    files
}

/// Name, length and text of the first packed file.
fn next_file(packed: &str) -> Option<(&str, &str, &str)> {
    let (name, rest) = packed.split_once('\n')?;
    let (length, rest) = rest.split_once('\n')?;
    Some((name, length, rest.get(..length.parse().ok()?)?))
}

impl Graph {
    /// Loads the bundled graph.
    ///
    /// # Errors
    /// Where a bundled file does not parse, which a test rules out.
    pub fn bundled() -> Result<Self, LoadError> {
        Self::load(&[])
    }

    /// Loads one directory or file alone, without the bundled graph.
    ///
    /// # Errors
    /// Where it cannot be read or a file does not parse.
    pub fn only(path: &Path) -> Result<Self, LoadError> {
        let mut files = Vec::new();
        user_files(path, 0, &mut files)?;
        let mut graph = Self::default();
        files.iter().try_for_each(|(name, text)| graph.add(name, text))?;
        Ok(graph)
    }

    /// Loads the bundled graph and merges directories over it, by id; later ones win.
    ///
    /// # Errors
    /// Where a directory cannot be read or a file does not parse.
    pub fn load(directories: &[PathBuf]) -> Result<Self, LoadError> {
        Self::merge(directories, |text| text)
    }

    /// As [`Graph::load`], but reads no inline tests, which are most of the text: all that an
    /// investigation needs, in a third of the time. The digest is the same.
    ///
    /// # Errors
    /// See [`Graph::load`]; what is wrong inside tests goes unnoticed.
    pub fn load_untested(directories: &[PathBuf]) -> Result<Self, LoadError> {
        Self::merge(directories, without_tests)
    }

    fn merge(directories: &[PathBuf], part: fn(&str) -> &str) -> Result<Self, LoadError> {
        let mut files = bundled();
        for directory in directories {
            let mut own = Vec::new();
            user_files(directory, 0, &mut own)?;
            own.sort();
            files.extend(own);
        }
        let mut graph = Self::default();
        let mut hash = Sha256::new();
        for (name, text) in &files {
            hash.update(name.as_bytes());
            hash.update([0]);
            hash.update(text.as_bytes());
            graph.add(name, part(text))?;
        }
        let digest: String = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        graph.digest = format!("sha256:{digest}");
        Ok(graph)
    }

    /// Parses one file and adds what it holds.
    ///
    /// # Errors
    /// Where the text is neither a failure mode nor a components file.
    pub fn add(&mut self, file: &str, text: &str) -> Result<(), LoadError> {
        let error = |message: String| LoadError::Parse { file: file.to_owned(), message };
        if text.lines().any(|line| line.starts_with("components:")) {
            let parsed: ComponentFile =
                serde_yaml::from_str(text).map_err(|cause| error(cause.to_string()))?;
            self.components.extend(parsed.components);
            return Ok(());
        }
        let mode: FailureMode = serde_yaml::from_str(text).map_err(|cause| error(cause.to_string()))?;
        let compiled = Compiled::new(mode, file).map_err(error)?;
        self.modes.insert(compiled.mode.id.clone(), compiled);
        Ok(())
    }

    /// Every failure mode, ordered by id.
    pub fn modes(&self) -> impl Iterator<Item = &Compiled> {
        self.modes.values()
    }

    /// A failure mode by id.
    pub fn get(&self, id: &str) -> Option<&Compiled> {
        self.modes.get(id)
    }

    /// The users' components.
    pub fn components(&self) -> &[Component] {
        &self.components
    }

    /// Digest over every file, `sha256:…`.
    pub fn digest(&self) -> &str {
        &self.digest
    }
}

/// The text before its `tests`, where these come last.
fn without_tests(text: &str) -> &str {
    let Some((before, tests)) = text.split_once("\ntests:") else { return text };
    let opens_another =
        |line: &str| line.starts_with(|letter: char| letter.is_alphanumeric() || "\"'?-".contains(letter));
    if tests.lines().skip(1).any(opens_another) { text } else { before }
}

impl Compiled {
    /// Compiles the conditions of a failure mode.
    ///
    /// # Errors
    /// Names the place inside the document and what is wrong there.
    pub fn new(mode: FailureMode, file: &str) -> Result<Self, String> {
        let compile = |matches: &[Match], place: &str| -> Result<Vec<CompiledMatch>, String> {
            matches
                .iter()
                .enumerate()
                .map(|(index, one)| CompiledMatch::new(one, &format!("{place}[{index}]")))
                .collect()
        };
        let cel = match mode.when.cel.trim() {
            "" => None,
            source => Some(Expression::compile(source).map_err(|error| format!("when.cel: {error}"))?),
        };
        Ok(Self {
            all: compile(&mode.when.all, "when.all")?,
            any: compile(&mode.when.any, "when.any")?,
            none: compile(&mode.when.none, "when.none")?,
            supports: compile(&mode.supports, "supports")?,
            contradicts: compile(&mode.contradicts, "contradicts")?,
            cel,
            file: file.to_owned(),
            mode,
        })
    }
}

impl CompiledMatch {
    fn new(source: &Match, place: &str) -> Result<Self, String> {
        let params = source
            .r#where
            .iter()
            .map(|(name, value)| {
                let matcher =
                    Matcher::compile(value).map_err(|error| format!("{place}.where.{name}: {error}"))?;
                Ok((name.clone(), matcher))
            })
            .collect::<Result<_, String>>()?;
        Ok(Self { fact: source.fact.clone(), params })
    }
}

fn user_files(directory: &Path, depth: usize, files: &mut Vec<(String, String)>) -> Result<(), LoadError> {
    let read = |path: &Path, source| LoadError::Read { path: path.to_owned(), source };
    if directory.is_file() {
        let text = std::fs::read_to_string(directory).map_err(|source| read(directory, source))?;
        files.push((directory.display().to_string(), text));
        return Ok(());
    }
    for entry in std::fs::read_dir(directory).map_err(|source| read(directory, source))? {
        let entry = entry.map_err(|source| read(directory, source))?;
        let path = entry.path();
        let meta = entry.metadata().map_err(|source| read(&path, source))?;
        if meta.is_dir() && depth < 8 {
            user_files(&path, depth + 1, files)?;
        } else if meta.is_file() && is_yaml(&path) {
            if meta.len() > MAX_FILE {
                let message = format!("larger than {} KiB", MAX_FILE >> 10);
                return Err(LoadError::Parse { file: path.display().to_string(), message });
            }
            let text = std::fs::read_to_string(&path).map_err(|source| read(&path, source))?;
            files.push((path.display().to_string(), text));
        }
    }
    Ok(())
}

fn is_yaml(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "yaml" || extension == "yml")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tests_are_left_out_only_where_nothing_follows_them() {
        assert_eq!(without_tests("id: a\ntests:\n  - name: x\n    b: 1\n"), "id: a");
        for whole in ["id: a\n", "id: a\ntests:\n  - name: x\ntitle: b\n", "id: a\ntests:\n- name: x\n"] {
            assert_eq!(without_tests(whole), whole);
        }
    }

    #[test]
    fn without_tests_the_graph_is_the_same() {
        let (whole, untested) = (Graph::bundled().unwrap(), Graph::load_untested(&[]).unwrap());
        assert_eq!(whole.digest(), untested.digest());
        assert!(untested.modes().all(|compiled| compiled.mode.tests.is_empty()));
        for (one, other) in whole.modes().zip(untested.modes()) {
            let mut mode = one.mode.clone();
            mode.tests.clear();
            assert_eq!(format!("{mode:?}"), format!("{:?}", other.mode));
        }
        assert_eq!(whole.modes().count(), untested.modes().count());
    }
}
