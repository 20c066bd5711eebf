//! Ends of processes and what a runtime says when it cannot go on.

use super::Rule;

/// The rules of this family.
pub(super) const RULES: &[Rule] = &[
    Rule::new("exec-format-error", "crash", r"exec format error|cannot execute binary file|\bENOEXEC\b|rosetta error|wrong ELF class|\(os error 8\)").any(),
    Rule::new("command-not-found", "crash", r"(?:exec|stat|lookup):? \x22?(?P<path>[^\s\x22:]+)\x22?: (?:executable file not found|no such file or directory)[^\n]{0,40}$|(?P<name>[a-z0-9_./-]+): (?:command )?not found$|(?:exec|spawn) (?P<path2>\S+) \bENOENT\b|(?:line [0-9]+|[0-9]+): (?P<name2>[a-z0-9_./-]+): (?:command )?not found|executable file not found in \$PATH|can't open file '(?P<path3>[^']+)': \[Errno 2\]|Unable to access jarfile (?P<path4>\S+)|Could not find or load main class (?P<name3>\S+)|no main manifest attribute|env: (?:can't execute )?['\x22]?(?P<name4>[^'\x22:\s]+)['\x22]?: No such file|/usr/bin/env: ['\x22]?(?P<name5>[^'\x22:\s]+)|The framework '(?P<name6>[^']+)'[^\n]{0,60}was not found|(?:\[FATAL tini[^\]]*\] )exec (?P<path5>\S+) failed")
        .unless(r"open /|config|\.ya?ml|\.json|page|host|404|route|key not found"),
    Rule::new("module-missing", "crash", r"ModuleNotFoundError: No module named '(?P<name>[^']+)'|ImportError: (?:cannot import name '(?P<name2>[^']+)'|No module named '?(?P<name3>[^'\s]+)|(?P<library>\S+): cannot open shared object)|Cannot find module '(?P<name4>[^']+)'|ERR_MODULE_NOT_FOUND|(?:ClassNotFoundException|NoClassDefFoundError): (?P<name5>\S+)|cannot load such file -- (?P<name6>\S+)|error while loading shared libraries: (?P<library2>\S+?):|Could not load file or assembly '(?P<name7>[^',]+)|Class \x22(?P<name8>[^\x22]+)\x22 not found|error loading shared library (?P<library3>\S+?):|version `(?P<library4>GLIBC[^']+)' not found|Driver class \S+ (?:not found|could not be loaded)|No suitable driver|UnsupportedClassVersionError|NoSuchMethodError|Could not find (?P<name9>\S+) in any of the sources")
        .unless(r"trying direct instantiation"),
    Rule::new("script-error", "crash", r"line [0-9]+: syntax error|syntax error near unexpected token|Syntax error: [^\n]{1,40} unexpected|(?:^|\s)(?:SyntaxError|IndentationError|TabError): [^\n]{1,80}").any()
        .unless(r"JSON|in SQL|at or near"),
    Rule::new("segfault", "crash", r"segmentation fault|SIGSEGV|segfault|SIGBUS|bus error|SIGILL|illegal instruction|SIGABRT|core dumped|A fatal error has been detected by the Java Runtime|double free or corruption|stack smashing|Aborted \(core").any()
        .unless(r"panic: runtime error|invalid memory address or nil pointer"),
    Rule::new("go-panic", "crash", r"^panic: (?P<message>[^\n]{1,160})").rank(2).any(),
    Rule::new("go-panic", "crash", r"fatal error: (?P<message>all goroutines are asleep - deadlock|concurrent map (?:writes|read and map write|iteration and map write)|stack overflow|unexpected signal[^\n]*)|(?:http: panic serving|panic recovered|recovered from panic|runtime error: )(?P<message2>[^\n]{0,160})|runtime error: (?P<message3>[^\n]{1,120})").rank(1).any(),
    Rule::new("rust-panic", "crash", r"thread '[^']*' (?:\([0-9]+\) )?panicked at (?P<message>[^\n]{1,160})").rank(2).any(),
    Rule::new("erlang-crash", "crash", r"^(?:[^\n]{0,60}\s)?\*\* \((?P<exception>[A-Z][A-Za-z.]*Error|EXIT from [^)]{1,40}|stop|exit|throw)\) ?(?P<message>[^\n]{0,160})|Kernel pid terminated \((?P<name>[a-z_]+)\)|Crash dump is being written to|\{\x22init terminating in do_boot\x22").rank(2).any(),
    Rule::new("stack-overflow", "crash", r"StackOverflowError|stack overflow|Maximum call stack size exceeded|RecursionError|stack level too deep").rank(1),
    // The kernel kills the process that grew, which in a container need not be the first one.
    Rule::new("child-killed", "resource", r"worker \(pid:? ?[0-9]+\) was sent SIGKILL|DAMN ! (?:worker|mule) [^\n]{0,60}killed by signal:? ?9\b|(?:worker|child|process|subprocess|job|server process|task|command|executor|ffmpeg)\b[^\n]{0,100}?\b(?:killed|terminated|died|exited|ended|exit)\b[^\n]{0,40}?\b(?:signal:? ?\(?9\b|SIGKILL|exit code:? 137|code 137)|WorkerLostError: [^\n]{0,80}signal 9|received signal 9\b|child [0-9]+ exited on signal 9|command (?:failed|died|terminated|was killed)[^\n]{0,60}(?:signal 9|SIGKILL|exit code 137)|died with <Signals\.SIGKILL|signal: killed\b").any()
        // Whom the program itself stops, and probes.
        .unless(r"sending SIGKILL|send(?:s|ing)? signal 9|with SIGKILL after|grace(?:ful)? period|timed? ?out|failed to stop|did not (?:stop|exit)|CRITICAL WORKER TIMEOUT"),
    Rule::new("supervisor-exit", "crash", r"worker (?:process )?(?:\(?pid:? ?[0-9]+\)? )?(?:was terminated due to signal|was sent SIG|exited|died|failed to boot|timeout)[^\n]{0,80}|Worker \(pid:[0-9]+\) was sent (?P<name>SIG[A-Z]+)|child process[^\n]{0,30}exited with|exited: (?P<name2>\S+) \(exit status|gave up: (?P<name3>\S+) entered FATAL").rank(2),
    Rule::new("jvm-option-error", "crash", r"Unrecognized VM option '?(?P<name>[^'\n]+)|Invalid (?:maximum|initial) heap size: (?P<value>\S+)|Could not create the Java Virtual Machine|Error occurred during initialization of VM|Could not reserve enough space|Too small (?:maximum|initial) heap|Initial heap size set to a larger value").any(),
];

#[cfg(test)]
mod tests {
    use crate::logs::scan::testing::{each, quiet, told};

    #[test]
    fn processes_that_cannot_run() {
        each(&[
            ("exec /app/server: exec format error", "exec-format-error"),
            ("/bin/sh: 1: gunicorn: not found", "command-not-found name=gunicorn"),
            ("/x.sh: line 14: syntax error near unexpected token `fi'", "script-error"),
            ("Error: Unable to access jarfile /app/app.jar", "command-not-found path=/app/app.jar"),
            ("ModuleNotFoundError: No module named 'flask'", "module-missing name=flask"),
            (
                "Error: Cannot find module 'express'\nRequire stack:\n- /app/server.js",
                "module-missing name=express",
            ),
            (
                "/app/server: error while loading shared libraries: libssl.so.3: cannot open shared object file: No such file or directory",
                "module-missing library=libssl.so.3",
            ),
            ("Segmentation fault (core dumped)", "segfault"),
            (
                "** (FunctionClauseError) no function clause matching in Shop.Cart.restore/1",
                "erlang-crash exception=FunctionClauseError message=no function clause matching in Shop.Cart.restore/1",
            ),
        ]);
    }

    #[test]
    fn uncaught() {
        each(&[
            (
                "panic: assignment to entry in nil map\n\ngoroutine 1 [running]:\nmain.main()\n\t/src/main.go:9 +0x1c",
                "go-panic",
            ),
            (
                "Traceback (most recent call last):\n  File \"a.py\", line 1, in <module>\n    f(x)\nValueError: unknown tier gold",
                "uncaught-exception exception=ValueError",
            ),
            (
                "Exception in thread \"main\" java.lang.IllegalStateException: no tiers\n\tat a.B.c(B.java:1)",
                "uncaught-exception exception=java.lang.IllegalStateException",
            ),
            (
                "Unhandled exception. System.InvalidOperationException: Sequence contains no elements\n   at A.B()",
                "uncaught-exception exception=System.InvalidOperationException",
            ),
            (
                "/app/a.js:3\n  x.y();\n    ^\n\nTypeError: x.y is not a function\n    at f (/app/a.js:3:5)\n\nNode.js v22.1.0",
                "uncaught-exception exception=TypeError",
            ),
            (
                "thread 'main' panicked at src/main.rs:5:10:\ncalled `Option::unwrap()` on a `None` value\nnote: run with `RUST_BACKTRACE=1`",
                "rust-panic",
            ),
        ]);
    }

    #[test]
    fn errors_nobody_knows_are_told_as_they_are() {
        let told = told(
            "2026-11-24T03:31:53Z ERROR order 4711 has no tier\n2026-11-24T03:31:54Z ERROR order 4712 has no tier\n",
        );
        assert_eq!(told, ["unknown-error message=ERROR order # has no tier"]);
        quiet(&[
            "2026-11-24T03:31:53Z INFO rendered error page template",
            "2026-11-24T03:31:53Z WARN deprecated option x",
        ]);
    }

    #[test]
    fn processes_that_the_kernel_kills() {
        each(&[
            (
                "[2026-11-23 19:47:35 +0000] [1] [ERROR] Worker (pid:40) was sent SIGKILL! Perhaps out of memory?",
                "child-killed",
            ),
            ("DAMN ! worker 1 (pid: 12) died, killed by signal 9 :( trying respawn ...", "child-killed"),
            (
                "billiard.exceptions.WorkerLostError: Worker exited prematurely: signal 9 (SIGKILL) Job: 0.",
                "child-killed",
            ),
            (
                "[23-Nov-2026 10:00:00] WARNING: [pool www] child 33 exited on signal 9 (SIGKILL) after 2.3 seconds from start",
                "child-killed",
            ),
            ("ffmpeg ended with signal 9", "child-killed"),
            (
                "2026-11-23 10:00:00.1 UTC [1] LOG:  server process (PID 71) was terminated by signal 9: Killed",
                "child-killed",
            ),
        ]);
        let asked =
            "2026-11-23T10:00:00Z WARN worker 7 did not stop within the grace period, killed by SIGKILL";
        assert!(!crate::logs::scan::testing::told(asked).iter().any(|one| one.starts_with("child-killed")));
    }
}
