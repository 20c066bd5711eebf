//! Configuration that is missing, cannot be parsed, or says what it may not.

use super::{Rule, Scope};

/// The rules of this family.
pub(super) const RULES: &[Rule] = &[
    // Kinds that this cluster does not serve, or not any more.
    Rule::new("api-version-removed", "config", r"no matches for kind \\?\x22(?P<name>[A-Za-z]+)\\?\x22 in version \\?\x22(?P<value>[a-z0-9./-]+)|failed to list \*(?P<value2>v[0-9a-z]+)\.(?P<name2>[A-Za-z]+): the server could not find the requested resource"),
    // A variable where a number belongs is often a service link of Kubernetes itself.
    Rule::new("service-env-collision", "config", r"(?P<variable>[A-Z][A-Z0-9_]*_PORT)\b[^\n]{0,120}(?P<value>tcp://[0-9a-f.:\[\]]+:[0-9]+)")
        // The code of Node's error is no variable.
        .unless(r"ERR_SOCKET_BAD_PORT"),
    Rule::new("service-env-collision", "config", r"(?:invalid|parse|parsing|strconv|number ?format|for input string|int\(\)|cannot convert|not a (?:valid )?(?:number|integer|port)|unable to (?:parse|convert)|bad port|could not parse|failed to (?:parse|convert|bind)|NaN|port must be|should be|received type|malformed|illegal)[^\n]{0,120}(?P<value>tcp://[0-9a-f.:\[\]]+:[0-9]+)"),
    Rule::new("service-env-collision", "config", r"(?P<value>tcp://[0-9]+\.[0-9]+\.[0-9]+\.[0-9]+:[0-9]+)['\x22]?[^\n]{0,80}(?:invalid|not a (?:valid )?(?:number|integer|port)|must be|cannot be parsed|is not)"),
    // Images of Confluent refuse to start for it, without a word on where it comes from.
    Rule::new("service-env-collision", "config", r"\b(?:PORT|HOST) is deprecated\. Please use (?P<name>(?-i:[A-Z][A-Z0-9_]*?))_(?:ADVERTISED_)?LISTENERS instead"),
    // A variable that is not there.
    missing(r"(?:missing|required|undefined|unset|absent|empty|no)(?: the| a)?(?: (?:required|mandatory|necessary|needed|following|expected))?(?: environment| env| config(?:uration)?)(?: variable| var|ironment variable)?s?(?: is| are)?(?: not set| missing| required)?:? ?[`'\x22\[(]*(?P<variable>(?-i:[A-Z][A-Z0-9_]{2,}))"),
    missing(r"env(?:ironment)?(?:[ _-]?(?:variable|var))?s?:? ?[`'\x22\[(<$]*(?P<variable>(?-i:[A-Z][A-Z0-9_]{2,}))[`'\x22\])>]* (?:is |are |was |were |must be |should be |has to be |needs to be |has |have )?(?:required|not set|not defined|undefined|unset|missing|empty|mandatory|not found|not provided|set\b|defined|specified|provided|not present|not specified|not been set)"),
    missing(r"(?:^|[\s`'\x22(:\]$])(?P<variable>(?-i:[A-Z][A-Z0-9]*_[A-Z0-9_]+))[`'\x22)]* (?:environment variable |env var(?:iable)? |env |variable |config )?(?:is |was |must be |needs to be |should be |has to be |has )?(?:a )?(?:required|not set|not defined|undefined|unset|missing|mandatory|not provided|not specified|not been set|cannot be empty|can't be empty|must not be empty|is empty|set\b|defined\b|provided\b|not configured)")
        .unless(r"(?:is|was|has been|already|successfully) (?:set|defined|provided) (?:to|by|from|in|via|successfully)|_TIMEOUT|_UNAVAILABLE|ERR_|ER_|NameError|ReferenceError|AttributeError|(?:constant|identifier|symbol|macro|function|column|table) [`'\x22]?[A-Z]"),
    missing(r"(?:please |you must |must |need to )(?:set|define|provide|specify|export|supply|configure)(?: the| a| an)?(?: env(?:ironment)?)?(?: variable| var)? [`'\x22$]*(?P<variable>(?-i:[A-Z][A-Z0-9]*_[A-Z0-9_]+))"),
    missing(r"Could not resolve placeholder '(?P<variable>[^':]+)"),
    missing(r"(?:SRVE|os\.environ|env\.fetch|ENV\.fetch|getenv|process\.env|required env)[^\n]{0,60}[\[(.'\x22]+(?P<variable>(?-i:[A-Z][A-Z0-9_]{2,}))"),
    missing(r"KeyError: ['\x22](?P<variable>(?-i:[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+))['\x22]|key not found: \x22(?P<variable2>(?-i:[A-Z][A-Z0-9_]+))\x22|(?:environment variable not found|NotPresent)[^\n]{0,20}[\x22(]*(?P<variable3>(?-i:[A-Z][A-Z0-9_]+))?|(?P<variable4>(?-i:[A-Z][A-Z0-9_]+)): (?:parameter (?:not set|null or not set)|unbound variable)|line [0-9]+: (?P<variable5>[A-Za-z_][A-Za-z0-9_]*): (?:unbound variable|parameter (?:null or )?not set|parameter not set)|env: required key (?P<variable6>\S+) missing|required key (?P<variable7>(?-i:[A-Z][A-Z0-9_]+)) missing value|env: environment variable \x22(?P<variable8>[^\x22]+)\x22 should not be empty|Set the (?P<variable9>[A-Z0-9_]+) environment variable|ImproperlyConfigured: [^\n]{0,60}?(?P<variable10>(?-i:[A-Z][A-Z0-9_]{3,}))"),
    missing(r"(?P<variable>[A-Za-z_][A-Za-z0-9_]+) \| field required"),
    missing(r"(?:You need to specify one of|neither|either)[^\n]{0,30}(?P<variable>(?-i:[A-Z][A-Z0-9]*_[A-Z0-9_]+))|database is uninitialized and (?:superuser )?password (?:option )?is not specified|\x22path\x22: ?\[ ?\x22(?P<variable2>(?-i:[A-Z][A-Z0-9_]+))\x22|(?P<variable3>[A-Za-z_][A-Za-z0-9_]+)\s+field required|(?P<variable4>(?-i:[A-Z][A-Z0-9]*_[A-Z0-9_]+)): (?:Required|Invalid input|expected string, received undefined)|validation errors? for (?:Settings|Config)[^\n]*").rank(1),
    // A file that is not there. The token of the service account has its own meaning.
    Rule::new("token-missing", "permission", r"/var/run/secrets/kubernetes\.io/serviceaccount/[a-z.]+[^\n]{0,40}(?:no such file|\bENOENT\b|not found)|(?:\bENOENT\b|no such file)[^\n]{0,60}/var/run/secrets/kubernetes\.io/serviceaccount|unable to load in-cluster config(?:uration)?|Service (?:token|certificate|host/port|account token)[^\n]{0,20}(?:file does not exist|is not set|not found)|(?:token|cert) file exists but (?:is )?empty|Kubernetes client (?:could not|cannot) (?:load|find)[^\n]{0,30}(?:config|token)|rest\.InClusterConfig|ServiceAccountTokenMissing").any(),
    file(r"(?:open|stat|read|lstat|access|scandir|fopen|load)(?:ing)?(?: (?:file|config(?:uration)?(?: file)?))?[ :(]+['\x22]?(?P<path>[^\s'\x22:,)]+)['\x22]?: (?:no such file or directory|The system cannot find)"),
    file(r"(?:\bENOENT\b|FileNotFoundError|NoSuchFileException|FileNotFoundException|No such file or directory @ \w+ - |Errno::\bENOENT\b)[^/'\n]{0,80}['\x22(]?(?P<path>/[^\s'\x22:,)]+|[a-z0-9_./-]+\.[a-z]{2,6})"),
    file(r"['\x22]?(?P<path>/[^\s'\x22:,()]+)['\x22]?:? ?\(?(?:no such file or directory|does not exist|not found|file not found|: not found|cannot be found|is missing)"),
    file(r"(?:cannot|can't|could not|couldn't|unable to|failed to) (?:open|find|load|read|locate|access|stat)(?: the)?(?: config(?:uration)?| settings| env| secret| key| ca| certificate| cert| policy| rules| template| script| data| input)?(?: file| directory| dir)?:? ['\x22]?(?P<path>/[^\s'\x22:,()]+|[a-z0-9_./-]+\.(?:ya?ml|json|toml|conf|cfg|ini|pem|crt|key|properties|env|xml))"),
    file(r"(?:config(?:uration)?|settings|key|certificate|secret) file ['\x22]?(?P<path>[^\s'\x22:,()]+)['\x22]? (?:does not exist|not found|is missing|missing|could not be found)|No such file or directory: '(?P<path2>[^']+)'"),
    // A file that cannot be parsed.
    parse(r"(?P<file>/?[^\s:'\x22]+):(?P<line>[0-9]+) - Error during parsing: (?P<message>[^\n]{1,160})").with(&[("product", "coredns")]),
    parse(r"(?:unknown directive|unexpected|invalid (?:number of arguments|parameter|port|value)|directive [^\n]{0,40}is (?:not terminated|duplicate|not allowed)|duplicate|no \x22?events|is not allowed here|could not build|conflicting)[^\n]{0,160} in (?P<file>/[^\s:]+):(?P<line>[0-9]+)").with(&[("product", "nginx")]).scope(Scope::Errors),
    parse(r"error initializing configuration '(?P<file>[^']+)': (?P<message>[^\n]{1,200})|(?:Proto constraint validation failed|Unable to parse JSON as proto|Protobuf message [^\n]{0,60}has unknown fields|no such field: '(?P<field>[^']+)'|Didn't find a registered implementation)[^\n]{0,120}").with(&[("product", "envoy")]),
    parse(r"parsing \[(?P<file>[^\]:]+):(?P<line>[0-9]+)\]\s?:? (?P<message>[^\n]{1,160})|unknown keyword '(?P<field>[^']+)' in|Error\(s\) found in configuration file").with(&[("product", "haproxy")]),
    parse(r"\*\*\* FATAL CONFIG FILE ERROR|Bad directive or wrong number of arguments|Reading the configuration file, at line (?P<line>[0-9]+)").with(&[("product", "redis")]),
    parse(r"syntax error in file \x22(?P<file>[^\x22]+)\x22 line (?P<line>[0-9]+)|unrecognized configuration parameter \x22(?P<field>[^\x22]+)\x22|configuration file \x22(?P<file2>[^\x22]+)\x22 contains errors").with(&[("product", "postgresql")]),
    parse(r"unknown variable '(?P<field>[^'=]+)|unknown option '(?P<field2>[^']+)'|Found option without preceding group in config file:? (?P<file>\S+) at line:? (?P<line>[0-9]+)").with(&[("product", "mysql")]).scope(Scope::Errors),
    parse(r"yaml: (?:unmarshal errors|line (?P<line>[0-9]+):|[a-z ]*did not find expected)[^\n]{0,120}|error (?:converting|parsing) YAML[^\n]{0,40}(?:line (?P<line2>[0-9]+))?|(?:YAMLException|ScannerError|ParserError|yaml\.scanner|yaml\.parser|YAMLParseException|YamlException|mapping values are not allowed|found character '[^']*' that cannot start|while (?:parsing|scanning) a [a-z ]+|did not find expected (?:key|node|'-')|cannot unmarshal !!)[^\n]{0,60}(?:line (?P<line3>[0-9]+))?").with(&[("product", "yaml")]),
    parse(r"(?:config|settings|configuration|file|[a-z0-9_./-]+\.json)[^\n]{0,80}(?:Unexpected token|invalid character|Expecting (?:property name|value|',')|JSONDecodeError|Unexpected end of JSON|unexpected end of JSON input|SyntaxError|trailing comma|json: )[^\n]{0,80}(?:line (?P<line>[0-9]+))?").with(&[("product", "json")]),
    parse(r"toml: [^\n]{0,80}(?:line (?P<line>[0-9]+))?|TOML parse error at line (?P<line2>[0-9]+)|TomlDecodeError|TOMLDecodeError|expected (?:an equals|a key|newline)[^\n]{0,60}line (?P<line3>[0-9]+)|(?:ini|properties) file contains (?:no section|parsing)|MissingSectionHeaderError|Malformed \\uxxxx encoding").with(&[("product", "toml")]),
    parse(r"error found at (?P<file>/[^\s:]+):(?P<line>[0-9]+)|unknown configuration (?:variable|option|key|keyword|directive|setting|parameter) ['\x22]?(?P<field>[^'\x22\s]+)|(?P<file2>/[^\s:]+\.(?:conf|cfg|ini|cnf)):(?P<line2>[0-9]+):? (?:syntax error|unknown|unrecogni[sz]ed|unexpected|invalid|bad) (?P<message>[^\n]{1,120})").scope(Scope::Errors),
    parse(r"(?:failed|unable|could not|cannot|can't|error) (?:to )?(?:pars(?:e|ing)|decod(?:e|ing)|unmarshal(?:l?ing)?|load(?:ing)?|read(?:ing)?|validat(?:e|ing))(?: the)?(?: \w+)? (?:config(?:uration)?|settings|manifest|rules?)\b(?: file)?[ :\x22'(]*(?P<file>/?[a-z0-9_./-]+\.[a-z]{2,10})?|(?:configuration|config(?: file)?) (?:test|check|parse|parsing|syntax) (?:failed|error)|(?:error|syntax error)(?: found)? (?:in|loading|parsing)(?: the)? config(?:uration)?(?: file)?(?: ['\x22]?(?P<file2>/?[a-z0-9_./-]+\.[a-z]{2,10}))?|config(?:uration)? (?:parse|parsing|syntax) error").rank(1),
    // A process that keeps its old configuration because it does not accept the new one.
    parse(r"(?:error|failed|failure|failing|unable|could not|cannot|can't)(?: occurred)?(?: to| while| during)? (?:reload|re-load)(?:ing)?(?: (?:the|new|updated|nginx|haproxy|envoy|runtime))*(?:[ :]|$)|Loading configuration file failed|reloaded config is invalid|config(?:uration)? reload (?:has )?failed|reload(?:ing)? (?:failed|aborted)\b|keeping (?:the )?(?:old|previous|current) config|(?:gRPC|delta) config for \S+ rejected|config error file=\x22(?P<file>[^\x22]+)\x22").rank(1).scope(Scope::Warned)
        .unless(r"reload(?:ing)? (?:the )?(?:page|window|certificate|cert|tls|token|credential|cache|data|secret)"),
    Rule::new("dns-config-error", "config", r"plugin/(?P<name>[a-z]+): (?:[^\n]{0,60})(?:unknown property|wrong argument|not an IP address or file|invalid (?:zone|address)|unable to|error)[^\n]{0,80}").rank(1).scope(Scope::Errors),
    // A setting that may not be.
    invalid(r"unknown shorthand flag: '[^']*' in (?P<field5>-\S+)|(?:unknown|unrecognized|unrecognised|unsupported|unexpected|invalid|illegal|bad)(?: command[- ]line)?(?: VM| long| short| shorthand)? (?:flag|option|argument|switch|parameter|setting|directive|subcommand|command)s?:? ?[`'\x22\[(<]*(?P<field>-{0,2}[a-z0-9_.-]+)|(?:^|\s)(?P<field6>-{1,2}[a-z0-9][a-z0-9_.-]*): bad option|(?:unknown|unrecognized) arguments?: (?P<field7>-{0,2}[a-z0-9_.-]+)|flag provided but not defined: (?P<field2>\S+)|(?:unrecognized arguments|no such option|Found argument|unexpected argument):? ['\x22]?(?P<field3>-{0,2}[a-z0-9_.=-]+)|(?P<field4>-{1,2}[a-z0-9-]+): (?:unrecognized|unknown|invalid) option|getopt: [^\n]{1,60}"),
    invalid(r"invalid value ['\x22]?(?P<value>[^'\x22\n]{1,80})['\x22]? for (?:flag |option |argument |setting |parameter |key )?['\x22]?(?P<field>[a-z0-9_.-]+)|invalid (?:value|configuration|config|setting)(?: value)?(?: for| in| of|:) ?(?:key |field |property |option )?['\x22\[]?(?P<field2>[a-z][a-z0-9_.-]+)|['\x22]?(?P<field3>[a-z][a-z0-9_.-]+)['\x22]? must be (?:one of|a (?:valid|positive|number|boolean)|an? integer|between|greater|at least|less)|(?P<field4>[a-z][a-z0-9_.-]+): (?:invalid value|unknown value|expected)|Failed to bind properties under '(?P<field5>[^']+)'|Binding to target [^\n]{0,80}failed|ConfigException: (?:Invalid value|Missing required configuration \x22(?P<field6>[^\x22]+)\x22)|invalid (?:port|duration|interval|timeout|url|dsn|connection string|log level|time zone|timezone|cron)[^\n]{0,10}: ?['\x22]?(?P<value2>[^'\x22\n]{1,80})|time: (?:invalid|unknown unit|missing unit)[^\n]{0,10}duration \x22?(?P<value3>[^\x22\n]*)|parse \x22?(?P<value4>[^\x22]{1,80})\x22?: (?:first path segment|missing protocol scheme|invalid (?:port|character|control))|NumberFormatException: For input string: \x22(?P<value5>[^\x22]*)\x22|strconv\.(?:Atoi|Parse[A-Z][a-z]+): parsing \x22(?P<value6>[^\x22]*)\x22|ValueError: (?:invalid literal for int\(\) with base [0-9]+: '(?P<value7>[^']*)'|could not convert)|not a valid (?:port|number|integer|URL|URI|boolean|duration)").rank(1),
    Rule::new("missing-file", "config", r"no such file or directory|\bENOENT\b|file not found").rank(2).scope(Scope::Errors),
    invalid(r"(?P<field>vm\.max_map_count|[a-z]+\.[a-z_.]+) \[(?P<value>[0-9]+)\] is too low|Failed to configure a DataSource: '(?P<field2>[a-z.]+)' attribute is not specified|Failed to determine a suitable driver class"),
    Rule::new("config-fetch-failed", "config", r"Could not locate PropertySource|ConfigClientFailFastException|(?:failed|unable|could not|cannot) to? ?(?:fetch|retrieve|load|get|read)(?: the| any| remote)? config(?:uration)?s?(?: from| at)[^\n]{0,80}|(?:config ?map|secret) [\x22']?(?P<name>[a-z0-9.-]+)[\x22']? not found").rank(2).peer(),
    Rule::new("license-expired", "config", r"licen[cs]e (?:key )?(?:has |is |was )?(?:already )?(?:expired|invalid|not valid|no longer valid)|(?:expired|invalid|no valid|missing) licen[cs]e|licen[cs]e (?:expired on|verification failed|check failed|not found)|trial (?:period )?(?:has )?(?:expired|ended)|subscription (?:has )?expired").any()
        .unless(LICENCE_IS_WELL),
    // With the licence's number, holder or product between.
    Rule::new("license-expired", "config", r"\blicen[cs]e\b[^\n]{1,100}?\b(?:(?:has |is |was )?(?:already )?expired|(?:is |was )?no longer valid|is not valid|is invalid)\b|\b(?:maintenance|subscription|entitlement|trial)s?\b[^\n]{1,60}?\b(?:has |is )(?:already )?(?:expired|no longer valid)\b").scope(Scope::Errors)
        .unless(LICENCE_IS_WELL),
    Rule::new("feature-disabled", "config", r"feature (?:gate |flag )?[\x22']?(?P<name>[a-z0-9_-]+)[\x22']? (?:is )?(?:disabled|not enabled)").rank(3).scope(Scope::Errors),
];

/// Licences that will do, and other things that expire beside the word.
const LICENCE_IS_WELL: &str = r"will expire|expires? (?:in|on)|not (?:yet )?expired|never expire|(?:token|session|certificate|cookie|password|lease|cache|lock)[^\n]{0,30} expired|licen[cs]ed? under|licen[cs]e plate|driv(?:er|ing)'?s? licen[cs]e";

const fn missing(pattern: &'static str) -> Rule {
    Rule::new("missing-env", "config", pattern)
}

const fn file(pattern: &'static str) -> Rule {
    Rule::new("missing-file", "config", pattern)
        .unless(r"HTTP/1|\b404\b|favicon|\bGET /|\bPOST /|page not found|route|topic|table|/api/|nslookup|zoneinfo|skipping it|optional|permission denied|stale |read-only|too many open|is a directory")
}

const fn parse(pattern: &'static str) -> Rule {
    Rule::new("config-parse-error", "config", pattern)
}

const fn invalid(pattern: &'static str) -> Rule {
    Rule::new("config-invalid", "config", pattern).rank(1)
}

#[cfg(test)]
mod tests {
    use crate::logs::scan::testing::{each, quiet};

    #[test]
    fn variables() {
        each(&[
            ("Error: Missing required environment variable: API_KEY", "missing-env variable=API_KEY"),
            (
                "2026-11-24T03:31:53Z FATAL environment variable DB_HOST is not set",
                "missing-env variable=DB_HOST",
            ),
            ("2026-11-24T03:31:53Z FATAL DB_HOST must be set", "missing-env variable=DB_HOST"),
            ("2026-11-24T03:31:53Z FATAL required key DB_HOST missing value", "missing-env variable=DB_HOST"),
            (
                "Traceback (most recent call last):\n  File \"<frozen os>\", line 1, in __getitem__\nKeyError: 'DB_HOST'",
                "missing-env variable=DB_HOST",
            ),
            (
                "/app/boot.rb:3:in `fetch': key not found: \"DB_HOST\" (KeyError)",
                "missing-env variable=DB_HOST",
            ),
            (
                "java.lang.IllegalArgumentException: Could not resolve placeholder 'db.host' in value \"${db.host}\"",
                "missing-env variable=db.host",
            ),
            ("/entrypoint.sh: line 4: DB_HOST: unbound variable", "missing-env variable=DB_HOST"),
            ("/entrypoint.sh: 4: DB_HOST: parameter not set", "missing-env variable=DB_HOST"),
            (
                "2026-11-24T03:31:53Z FATAL please set the DB_HOST environment variable",
                "missing-env variable=DB_HOST",
            ),
            (
                "2026-11-24T03:31:53Z ERROR strconv.Atoi: parsing \"tcp://10.96.0.3:6379\": invalid syntax",
                "service-env-collision value=tcp://10.96.0.3:6379",
            ),
            (
                "2026-11-24T03:31:53Z ERROR invalid REDIS_PORT \"tcp://10.96.0.3:6379\"",
                "service-env-collision variable=REDIS_PORT",
            ),
        ]);
    }

    #[test]
    fn files() {
        each(&[
            (
                "2026-11-24T03:31:53Z FATAL open /etc/app/config.yaml: no such file or directory",
                "missing-file path=/etc/app/config.yaml",
            ),
            (
                "FileNotFoundError: [Errno 2] No such file or directory: '/etc/app/key.pem'",
                "missing-file path=/etc/app/key.pem",
            ),
            (
                "Error: ENOENT: no such file or directory, open '/app/cfg.json'",
                "missing-file path=/app/cfg.json",
            ),
            ("java.nio.file.NoSuchFileException: /etc/app/cfg.yml", "missing-file path=/etc/app/cfg.yml"),
            (
                "panic: open /var/run/secrets/kubernetes.io/serviceaccount/token: no such file or directory",
                "token-missing",
            ),
            (
                "/etc/coredns/Corefile:7 - Error during parsing: Unknown directive 'cach'",
                "config-parse-error line=7 product=coredns",
            ),
            (
                "2026/11/24 03:31:53 [emerg] 1#1: unknown directive \"proxy_pas\" in /etc/nginx/conf.d/a.conf:9",
                "config-parse-error file=/etc/nginx/conf.d/a.conf line=9",
            ),
            (
                "2026-11-24T03:31:53Z FATAL cannot load config: yaml: line 12: did not find expected key",
                "config-parse-error line=12 product=yaml",
            ),
            ("*** FATAL CONFIG FILE ERROR (Redis 7.2.4) ***", "config-parse-error product=redis"),
            (
                "ts=2026-11-24T03:31:53.000Z caller=coordinator.go:118 level=error component=configuration msg=\"Loading configuration file failed\" file=/etc/alertmanager/alertmanager.yml err=\"undefined receiver \\\"pager\\\" used in route\"",
                "config-parse-error",
            ),
            (
                "[2026/11/24 03:31:53] [error] [reload] reloaded config is invalid. Reloading is halted",
                "config-parse-error",
            ),
            (
                "[2026-11-24 03:31:53.000][1][warning][config] [source/common/config/grpc_subscription_impl.cc:128] gRPC config for type.googleapis.com/envoy.config.listener.v3.Listener rejected: Error adding/updating listener(s) in: unknown filter",
                "config-parse-error",
            ),
            (
                "2026-11-24T03:31:53Z ERROR vector::topology: Failed to load config files. Reload aborted.",
                "config-parse-error",
            ),
            (
                "E1124 03:31:53.000000 7 controller.go:210] Unexpected failure reloading the backend: exit status 1",
                "config-parse-error",
            ),
        ]);
        quiet(&[
            "2026-11-24T03:31:53Z INFO configuration reloaded",
            "2026-11-24T03:31:53Z INFO Completed loading of configuration file",
        ]);
    }

    #[test]
    fn values() {
        each(&[
            ("Error: unknown flag: --listn", "config-invalid field=--listn"),
            (
                "2026-11-24T03:31:53Z FATAL flag provided but not defined: -listn",
                "config-invalid field=-listn",
            ),
            (
                "2026-11-24T03:31:53Z FATAL invalid value \"fast\" for flag -level: parse error",
                "config-invalid value=fast",
            ),
            ("2026-11-24T03:31:53Z ERROR License expired on 2026-11-01", "license-expired"),
        ]);
    }

    #[test]
    fn ordinary_talk_of_settings_is_quiet() {
        quiet(&[
            "2026-11-24T03:31:53Z INFO environment variable LOG_LEVEL is set to debug",
            "2026-11-24T03:31:53Z INFO loaded config from /etc/app/config.yaml",
            "2026-11-24T03:31:53Z INFO REDIS_PORT=tcp://10.96.0.3:6379",
            "2026-11-24T03:31:53Z INFO page /missing not found",
            "10.0.0.1 - - [24/Nov/2026:03:31:53 +0000] \"GET /config.json HTTP/1.1\" 404 5 \"-\" \"curl\"",
        ]);
    }

    #[test]
    fn flags_licences_and_codes() {
        each(&[
            (
                "Error parsing command line arguments: unknown long flag '--storage.tsdb.retention'\nusage: prometheus [<flags>]\n\nThe server\n",
                "config-invalid field=--storage.tsdb.retention",
            ),
            ("usage: app [-h]\napp: error: unrecognized arguments: --prot 80", "config-invalid field=--prot"),
            ("Error: unknown shorthand flag: 'x' in -xyz", "config-invalid field=-xyz"),
            ("node: bad option: --max-old-space", "config-invalid field=--max-old-space"),
            (
                "flag provided but not defined: -listn\nUsage of /app/srv:\n  -listen string",
                "config-invalid field=-listn",
            ),
            (
                "2026-11-23 20:34:14,902 FATAL [main] c.m.Lic - License LIC-22871 (Acme GmbH) expired on 2026-11-22. Renew.",
                "license-expired",
            ),
            ("2026-11-24T03:31:53Z FATAL licence key ABC-1 is no longer valid", "license-expired"),
            (
                "RangeError [ERR_SOCKET_BAD_PORT]: options.port should be >= 0 and < 65536. Received type string ('tcp://10.96.0.7:6379').",
                "service-env-collision value=tcp://10.96.0.7:6379",
            ),
            ("patroni.K8sConfig.ConfigException: Service certificate file does not exist.", "token-missing"),
            ("NameError: name 'MODE_AUTO_V2' is not defined", "unknown-error"),
            (
                "2026-11-23T20:00:00Z ERROR Error reading configmap: configmaps \"x\" is forbidden: User \"system:serviceaccount:a:b\" cannot get resource \"configmaps\" in API group \"\" in the namespace \"a\"",
                "rbac-forbidden verb=get",
            ),
        ]);
        quiet(&["2026-11-23 20:34:14,902 INFO License LIC-1 (Acme) is valid, it expires on 2027-01-01"]);
    }
}
