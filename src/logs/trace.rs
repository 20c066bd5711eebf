//! Entries: lines of one statement kept together, above all multi-line traces.
//!
//! Java, Python, Go, Node, .NET, Ruby, PHP and Rust write an error over many lines; this module
//! finds where it begins and ends, drops the frames, and orders what is left so that the root
//! (`Caused by:` last in Java, the first exception of a Python chain) comes first.

use std::sync::LazyLock;

use jiff::Timestamp;
use regex::Regex;

use super::format::{self, Level, Line};
use super::pattern::constant;

/// Statements kept of one entry.
const MAX_STATEMENTS: usize = 16;
/// Bytes up to which lines after an exception's own are part of its statement.
const MAX_JOINED: usize = 240;
/// Lines one entry may have before the rest begins a new one.
const MAX_LINES: usize = 2_000;

/// One logged statement with all its lines.
#[derive(Clone, Debug, Default)]
pub(super) struct Entry {
    /// Its first line, counted from the start of the log.
    pub(super) line: usize,
    /// When it was written, or the entry before it where it carries no time.
    pub(super) time: Option<Timestamp>,
    /// The level of its head.
    pub(super) level: Level,
    /// What it says, without frames: the root first.
    pub(super) statements: Vec<String>,
    /// Index of the head, the line that was logged first, in `statements`.
    pub(super) head: usize,
    /// Other fields of a structured head, as `key=value`.
    pub(super) fields: String,
    /// The type of the root exception.
    pub(super) exception: Option<String>,
    /// Whether the runtime itself wrote it because nobody caught the exception.
    pub(super) uncaught: bool,
}

/// What kind of trace an entry turned out to be.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Plain,
    Java,
    Python,
    /// A Python trace whose last exception line was read.
    PythonDone,
    Go,
    Node,
    /// How to call the program, which it prints after an error of its arguments or before.
    Usage,
}

/// Lines that only say where, not what.
static FRAME: LazyLock<Regex> = LazyLock::new(|| {
    constant(
        r#"^\s*(?:at\s|File "|goroutine [0-9]+ |created by |\.\.\. [0-9]+ (?:more|common)|[~^]+\s*$|from \S+:[0-9]+:in|#[0-9]+ |[0-9]+: +\S+::|--- End of|Stack trace|Backtrace|stack backtrace|note: |\[signal |exit status|\S+\(.*\)$|\S+\.go:[0-9]+(?: \+0x[0-9a-f]+| \(0x[0-9a-f]+\))?\s*$|\S+ \+0x[0-9a-f]+|Node\.js v|thrown in|Traceback \(|-{3,}\s*$|={3,}\s*$|\*{3,}\s*$|[{}\[\]();]+$|\S+:[0-9]+(?::in [`'][^`']*['`]?)?$)"#,
    )
});
/// Lines that continue an entry although they are not indented.
static CONTINUES: LazyLock<Regex> = LazyLock::new(|| {
    constant(
        r#"^(?:at [\w$.<]+|Caused by: |Suppressed: |Wrapped by: |\.\.\. [0-9]+ (?:more|common)|File "|Traceback \(most recent|goroutine [0-9]+ |created by |#[0-9]+ |Stack trace:|--- End of|--->|[~^]+$|During handling of|The above exception|Node\.js v|note: run with|\[signal |exit status [0-9]|thrown in|debug_error_string|details = |status = |from \S+:[0-9]+:in|\[CIRCULAR|[}\])]+;?$)"#,
    )
});
/// The line that names an exception: `pkg.SomeError: text`.
static EXCEPTION: LazyLock<Regex> = LazyLock::new(|| {
    constant(
        r#"^\s*(?:(?:Caused by|Suppressed|Wrapped by): |-+> ?|(?:Unhandled|Uncaught) [Ee]xception[.:]? |Exception in thread "[^"]*" |PHP Fatal error:\s+Uncaught |Uncaught |panic: )?((?:[A-Za-z_$][\w$]*(?:\.|::|\\))*[A-Z][\w$]*)(?:: (.*)|\s*$)"#,
    )
});
/// A Node crash begins with the place of the throw.
static NODE_PLACE: LazyLock<Regex> = LazyLock::new(|| constant(r"^(?:/|node:|file://|[A-Z]:\\)\S+:[0-9]+$"));
/// Where a program begins to say how it is called.
static USAGE: LazyLock<Regex> = LazyLock::new(|| constant(r"^(?i:usage)(?: of \S+)?:(?:\s+[^\s0-9]|\s*$)"));
/// What it says about the arguments that it was given, after that.
static COMPLAINT: LazyLock<Regex> =
    LazyLock::new(|| constant(r"(?i)^(?:\S+: )?(?:error|fatal|unknown|unrecogni[sz]ed)\b|: error: "));
static UNCAUGHT: LazyLock<Regex> = LazyLock::new(|| {
    constant(
        r"^(?:Exception in thread |Unhandled [Ee]xception|Uncaught |PHP Fatal error|Fatal error: |panic: |fatal error: |thread '|Traceback \(|terminate called|\S+:[0-9]+:in )|(?i)uncaught ?exception|unhandled ?rejection|unhandled promise",
    )
});

/// Tells a log into entries.
pub(super) fn entries(text: &str, now: Option<Timestamp>) -> Vec<Entry> {
    let mut entries = Vec::new();
    let mut builder: Option<Builder> = None;
    let mut last_time = None;
    for (number, raw) in text.lines().enumerate() {
        let line = format::parse(raw, now);
        if line.text.trim().is_empty() && line.more.is_empty() && line.fields.is_empty() {
            continue;
        }
        if let Some(open) = builder.as_mut().filter(|open| open.takes(&line)) {
            open.add(line);
            continue;
        }
        entries.extend(builder.take().map(Builder::finish));
        last_time = line.time.or(last_time);
        builder = Some(Builder::new(number, line, last_time));
    }
    entries.extend(builder.map(Builder::finish));
    entries
}

/// An entry that may still grow.
struct Builder {
    entry: Entry,
    kind: Kind,
    /// Said lines in the order they were written.
    said: Vec<String>,
    lines: usize,
    /// Unindented lines after a finished Python trace.
    tail: usize,
    /// Whether the last line says that another Python exception follows.
    chained: bool,
}

impl Builder {
    fn new(number: usize, line: Line, time: Option<Timestamp>) -> Self {
        let text = line.text.clone();
        let kind = match text.as_str() {
            _ if text.starts_with("Traceback (most recent") => Kind::Python,
            _ if text.starts_with("panic: ") || text.starts_with("fatal error: ") => Kind::Go,
            _ if NODE_PLACE.is_match(&text) => Kind::Node,
            _ if text.starts_with("Exception in thread ") => Kind::Java,
            _ if USAGE.is_match(&text) => Kind::Usage,
            // Pydantic lists the fields on lines of their own.
            _ if text.contains("validation error") && is_exception(&text) => Kind::PythonDone,
            _ => Kind::Plain,
        };
        let level = match kind {
            Kind::Plain | Kind::Usage => line.level,
            _ => line.level.max(Level::Error),
        };
        let runtime = !line.headed || text.starts_with("panic: ");
        let uncaught = kind == Kind::Node || runtime && UNCAUGHT.is_match(&text);
        let mut builder = Self {
            entry: Entry { line: number, time, level, fields: line.fields, uncaught, ..Entry::default() },
            kind,
            said: Vec::new(),
            lines: 1,
            tail: 0,
            chained: false,
        };
        builder.say(&text);
        for more in &line.more {
            builder.continue_with(more);
        }
        builder
    }

    /// Whether the line belongs to this entry.
    fn takes(&self, line: &Line) -> bool {
        let text = line.text.as_str();
        if line.headed || self.lines >= MAX_LINES {
            return false;
        }
        if self.kind == Kind::Usage {
            let crashes = text.starts_with("panic: ") || text.starts_with("Traceback (most recent");
            return line.level < Level::Error && !crashes && !COMPLAINT.is_match(text);
        }
        if text.starts_with("Traceback (most recent") {
            // Logged with a message, or the next of a chain; else a crash of its own.
            return self.chained || self.lines == 1 && self.entry.level >= Level::Warn;
        }
        if text.starts_with([' ', '\t']) || CONTINUES.is_match(text) {
            return true;
        }
        match self.kind {
            Kind::Python | Kind::Go | Kind::Node | Kind::Usage => true,
            Kind::PythonDone => self.tail < 4 && line.level == Level::Unknown,
            Kind::Java => false,
            // Loggers write the message, then the exception on a line of its own.
            Kind::Plain => self.entry.level >= Level::Warn && self.lines == 1 && is_exception(text),
        }
    }

    fn add(&mut self, line: Line) {
        self.continue_with(&line.text);
        for more in &line.more {
            self.continue_with(more);
        }
    }

    fn continue_with(&mut self, text: &str) {
        self.lines += 1;
        let trimmed = text.trim();
        self.chained =
            trimmed.starts_with("During handling of") || trimmed.starts_with("The above exception");
        if self.chained {
            return;
        }
        if trimmed.starts_with("Traceback (most recent") {
            self.kind = Kind::Python;
            self.entry.level = self.entry.level.max(Level::Error);
            return;
        }
        if matches!(self.kind, Kind::Plain)
            && (trimmed.starts_with("at ") || trimmed.starts_with("Caused by:"))
        {
            self.kind = Kind::Java;
        }
        match self.kind {
            Kind::Usage => {}
            // Between the head of a Python trace and its exception there is only source code.
            Kind::Python => {
                if !text.starts_with([' ', '\t']) && is_exception(text) {
                    self.say(trimmed);
                    self.kind = Kind::PythonDone;
                }
            }
            Kind::PythonDone => {
                self.tail += 1;
                match self.said.last_mut() {
                    Some(exception)
                        if !is_exception(trimmed) && exception.len() + trimmed.len() < MAX_JOINED =>
                    {
                        exception.push_str(" | ");
                        exception.push_str(trimmed);
                    }
                    _ => self.say(trimmed),
                }
            }
            // A Node crash shows the source line before the error.
            Kind::Node => {
                if is_exception(text) || !text.starts_with([' ', '\t']) && trimmed.contains(": ") {
                    self.say(trimmed);
                }
            }
            _ => self.say(trimmed),
        }
    }

    fn say(&mut self, text: &str) {
        let causes = text.starts_with("Caused by") || text.starts_with("--->") || is_exception(text);
        if text.is_empty() || FRAME.is_match(text) && !(causes && text.contains(": ")) {
            return;
        }
        if self.said.len() >= MAX_STATEMENTS {
            // The last cause is worth more than what came between.
            if !causes {
                return;
            }
            self.said.truncate(MAX_STATEMENTS - 1);
        }
        self.said.push(text.to_owned());
    }

    fn finish(self) -> Entry {
        let mut entry = self.entry;
        let mut said = self.said;
        let chained = |text: &str| text.starts_with("Caused by") || text.starts_with("--->");
        if said.iter().any(|text| chained(text)) {
            // What was caused comes before its cause: the last is the root.
            said.reverse();
            let causes = said.iter().filter(|text| chained(text)).count();
            said.sort_by_key(|text| !chained(text));
            entry.head = said.len().saturating_sub(1).max(causes.min(said.len().saturating_sub(1)));
        } else if matches!(self.kind, Kind::Python | Kind::PythonDone) && said.len() > 1 {
            let first = said.first().is_some_and(|head| is_exception(head));
            if !first {
                said.rotate_left(1);
                entry.head = said.len() - 1;
            }
        }
        entry.exception = said.iter().find_map(|text| exception_type(text));
        // A bare `Error` is a word before a colon more often than a type.
        if !entry.uncaught && entry.level != Level::Unknown {
            entry.exception = entry.exception.filter(|name| name != "Error");
        }
        entry.statements = said;
        entry
    }
}

/// Whether a line names an exception or error type.
fn is_exception(text: &str) -> bool {
    exception_type(text).is_some()
}

/// The type that an exception line names, such as `java.net.ConnectException`.
fn exception_type(text: &str) -> Option<String> {
    let found = EXCEPTION.captures(text)?;
    let name = found.get(1)?.as_str();
    let last = name.rsplit(['.', ':', '\\']).next().unwrap_or_default();
    const ENDS: [&str; 14] = [
        "Error",
        "Exception",
        "Throwable",
        "Exit",
        "Interrupt",
        "Timeout",
        "Failure",
        "Fault",
        "Warning",
        "NotFound",
        "Refused",
        "Denied",
        "DoesNotExist",
        "Unavailable",
    ];
    let qualified = name.contains('.') || name.contains("::") || name.contains('\\');
    (name != "Warning" && ENDS.iter().any(|end| last.ends_with(end) || last == "Errno")
        || qualified && found.get(2).is_none())
    .then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str) -> Vec<Entry> {
        entries(text, None)
    }

    #[test]
    fn java_root_is_the_last_cause() {
        let found = told(
            "2026-11-24T03:31:53Z ERROR 1 --- [main] o.s.boot.App : Application run failed\n\
             org.springframework.beans.BeanCreationException: Error creating bean 'x'\n\
             \tat org.a.B.c(B.java:1)\n\
             Caused by: org.hibernate.HibernateException: dialect\n\
             \tat org.a.B.c(B.java:2)\n\
             \t... 20 common frames omitted\n\
             Caused by: java.net.ConnectException: Connection refused (Connection refused)\n\
             \t... 30 more\n\
             2026-11-24T03:31:54Z INFO 1 --- [main] x : bye\n",
        );
        assert_eq!(found.len(), 2);
        assert!(found[0].statements[0].ends_with("Connection refused (Connection refused)"));
        assert!(found[0].statements[found[0].head].contains("Application run failed"));
        assert_eq!(found[0].exception.as_deref(), Some("java.net.ConnectException"));
    }

    #[test]
    fn python_exception_line_even_where_indentation_was_lost() {
        for indent in ["  ", ""] {
            let found = told(&format!(
                "starting\nTraceback (most recent call last):\n{indent}File \"/app/main.py\", line 3, in <module>\n{indent}{indent}import os; run(x)\nKeyError: 'DSN'\n2026-11-24 03:31:53 INFO next\n"
            ));
            assert_eq!(found.len(), 3, "{found:#?}");
            assert_eq!(found[1].statements, ["KeyError: 'DSN'"]);
            assert!(found[1].uncaught && found[1].level == Level::Error);
        }
    }

    #[test]
    fn python_chain_begins_with_the_root() {
        let found = told(
            "2026-11-24 03:31:53,120 ERROR [app] call failed\nTraceback (most recent call last):\n  File \"a.py\", line 1, in f\n    x()\nConnectionRefusedError: [Errno 111] Connection refused\n\nDuring handling of the above exception, another exception occurred:\n\nTraceback (most recent call last):\n  File \"a.py\", line 2, in g\nrequests.exceptions.ConnectionError: HTTPConnectionPool(host='pay', port=80): Max retries exceeded\n",
        );
        assert_eq!(found.len(), 1);
        assert!(found[0].statements[0].starts_with("ConnectionRefusedError"));
        assert!(!found[0].uncaught);
    }

    #[test]
    fn go_panic_is_one_entry() {
        let found = told(
            "up\npanic: runtime error: invalid memory address or nil pointer dereference\n[signal SIGSEGV: segmentation violation code=0x1]\n\ngoroutine 1 [running]:\nmain.run(0x0)\n\t/src/main.go:12 +0x1c\nexit status 2\n",
        );
        assert_eq!(found.len(), 2);
        assert_eq!(found[1].statements.len(), 1, "{:?}", found[1].statements);
        assert!(found[1].uncaught);
    }

    #[test]
    fn node_dotnet_ruby_and_php() {
        let node = told(
            "/app/dist/config.js:12\n    throw new Error(`Missing ${name}`);\n    ^\n\nError: Missing API_KEY\n    at requireEnv (/app/dist/config.js:12:11)\n\nNode.js v22.1.0\n",
        );
        assert_eq!((node.len(), node[0].statements[0].as_str()), (1, "Error: Missing API_KEY"));
        let dotnet = told(
            "Unhandled exception. System.AggregateException: One or more errors\n ---> System.Net.Sockets.SocketException (111): Connection refused\n   at System.Net.Sockets.Socket.Connect()\n   --- End of inner exception stack trace ---\n   at App.Main()\n",
        );
        assert_eq!(dotnet.len(), 1);
        assert!(dotnet[0].statements[0].contains("Connection refused"), "{dotnet:#?}");
        let ruby = told(
            "/app/boot.rb:3:in `fetch': key not found: \"DSN\" (KeyError)\n\tfrom /app/boot.rb:3:in `<main>'\n",
        );
        assert_eq!(ruby.len(), 1);
        assert!(ruby[0].uncaught);
        let php = told(
            "PHP Fatal error:  Uncaught PDOException: SQLSTATE[HY000] [2002] Connection refused in /app/db.php:3\nStack trace:\n#0 /app/db.php(3): PDO->__construct()\n#1 {main}\n  thrown in /app/db.php on line 3\n",
        );
        assert_eq!((php.len(), php[0].statements.len()), (1, 1), "{php:#?}");
    }

    proptest::proptest! {
        #[test]
        fn never_panics(text in "([ \t]?(Caused by: |at |Error: |panic: |Traceback \\(most recent call last\\):|\\PC{0,20})\n){0,30}") {
            let _ = entries(&text, None);
        }
    }
}
