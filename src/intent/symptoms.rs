//! The words that tell what is wrong, as phrases of folded words.
//!
//! A phrase is matched inside one clause. `a|b` is either word, `crash*` any word that begins
//! so, `~` up to four words in between. Phrases are data: matching them is linear in the text.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::LazyLock;

use super::text::{Token, camel_words};
use super::words;
use crate::symptom::Symptom;

const NOT: &str = "not|cant|cannot|wont|dont|doesnt|didnt|isnt|arent|never|no|couldnt|unable|refuses|fails";

const PHRASES: &[(Symptom, &[&str])] = &[
    (
        Symptom::NotCreated,
        &[
            "no|zero|0 new pod|pods|replicas",
            "zero|0|no pod|pods|replicas created|started|anywhere|at",
            "has|have|had|shows|with zero|0|no pod|pods|replicas",
            "@not ~ making|creating|create|created|make|spawn|spawning pod|pods|replicas",
            "@not ~ pod|pods|replicas created|create",
            "pod|pods|replicas @not created",
            "failedcreate|replicafailure|kubequotaexceeded|kubequotafullyused",
            "exceeded|exceeds|over quota",
            "quota exceeded|exhausted|full|reached",
            "admission ~ denied|denies|rejected|refused|rejects|failed",
            "webhook|webhooks ~ denied|denies|rejects|rejected|blocks|blocking|refuses|timeout|failed",
            "denied the request",
            "keine pods",
            "no hay|existen pods",
            "aucun pod",
        ],
    ),
    (
        Symptom::Missing,
        &[
            "missing|disappeared|vanished|gone",
            "@not exist|exists",
            "@not found",
            "notfound",
            "scaled to|down zero|0",
            "has zero|0 pods|replicas",
            "fehlt|fehlen|verschwunden",
            "desaparecio|desaparecido|desapareceu",
            "disparu|disparus",
            "n existe pas",
        ],
    ),
    (
        Symptom::Pending,
        &[
            "pending|unschedulable|unscheduled|failedscheduling|schedulinggated|kubedaemonsetnotscheduled",
            "@not ~ scheduled|schedule|schedulable|scheduling|placed",
            "insufficient cpu|memory|resources|nodes",
            "scheduling gated|fails|failed|failure|problem|issue",
            "no nodes|node available|fits|fit",
            "untolerated|taint|taints",
            "pendiente|pendientes|pendente|pendentes|ausstehend",
            "en attente",
        ],
    ),
    (
        Symptom::NotStarted,
        &[
            "containercreating|imagepullbackoff|errimagepull|errimageneverpull|imageinspecterror|invalidimagename",
            "createcontainerconfigerror|createcontainererror|runcontainererror|createpodsandboxerror",
            "failedcreatepodsandbox|failedmount|failedattachvolume|kubecontainerwaiting|startwerror",
            "image pull|pulls|pulling",
            "pull|pulls|pulling|download ~ image|images",
            "container creating",
            "create container",
            "runc create",
            "@not ~ start|starts|starting|started|boot|launch",
            "fails|failed|fail|failing|failure to start|launch|boot",
            "@not come|comes|coming|came back|up",
            "@not up again",
            "@not mount|mounted|attach|attached",
            "startet|starten|lauft|laufen nicht",
            "no arranca|arrancan|inicia|inician|levanta",
            "ne demarre|demarrent|demarrait|lance",
            "nao inicia|iniciam|sobe|sobem|arranca",
        ],
    ),
    (
        Symptom::Initializing,
        &[
            "init|podinitializing|initializing|initialising|initcontainer|initcontainers",
            "init container|containers|phase|error|crashloopbackoff",
            "in|at|on init",
            "pod initializing",
        ],
    ),
    (
        Symptom::Crashing,
        &[
            "crash*|oom|oomkilled|oomkill|oomkills|panics|panic|panicked|segfault*|sigsegv|sigkill|coredump",
            "backoff|kubepodcrashlooping|poststarthook*|failedpoststarthook",
            "back off",
            "out of memory|mem",
            "memory killed|kill",
            "restart|restarts|restarting loop|loops|looping|forever|constantly|endlessly|continuously",
            "keeps|keep|kept|always|constantly|continuously restarting|dying|exiting|crashing|falling|stopping",
            "gets|get|getting|got|being|is|are killed",
            "killed ~ again",
            "boot|reboot loop|loops",
            "flaps|flap|flapping|bouncing|bounces",
            "exits|exit|exited|exiting code|with|immediately|137|139|1|143|after",
            "dies|died|dying",
            "137|139|exitcode",
            "sturzt|absturz|absturze|abgesturzt|absturzend|abgeschmiert",
            "startet ~ standig|neu",
            "se cae|caen|reinicia|reinician",
            "plante|plantent|plantage|plantages|redemarre|redemarrent",
            "reinicia|reiniciando|travando|caindo",
        ],
    ),
    (
        Symptom::Restarting,
        &[
            "restart|restarts|restarted|restarting|kubepodrestart*|rebooted|reboots|rebooting",
            "abnormal restart|restarts",
            "neustart|neustarts|neugestartet",
            "reinicio|reinicios|redemarrage|redemarrages",
        ],
    ),
    (
        Symptom::NotReady,
        &[
            "@not ~ ready",
            "notready|unready|unhealthy|kubepodnotready|kubedeploymentreplicasmismatch",
            "kubestatefulsetreplicasmismatch|kubedeploymentreplicasunavailable",
            "readiness|liveness ~ fails|failing|failed|fail|failure|error|timeout",
            "probe|probes ~ fails|failing|failed|fail|failure|timeout",
            "0|zero|no|unavailable available|ready|healthy replica|replicas|pods|members",
            "unavailable replica|replicas",
            "replicas mismatch|unavailable",
            "lost ~ quorum",
            "only ~ member|replica|pod up|ready",
            "nicht bereit",
            "no lista|listo|listos",
            "pas pret|prets|prete",
            "nao pronto|prontos|pronta",
        ],
    ),
    (
        Symptom::NoEndpoints,
        &[
            "no|without|zero|0|empty|missing endpoints|endpoint|backends|upstreams",
            "no|without|0 ready|healthy|active|available endpoints|endpoint|upstream|backends|hosts",
            "endpoints ~ empty|missing",
            "went|gone|completely dark",
        ],
    ),
    (
        Symptom::Unreachable,
        &[
            "unreachable|unreachability|inaccessible|offline|outage|downtime|targetdown|unavailability",
            "@not ~ reachable|accessible|responding|respond|answering|load|loading|open|opening",
            "@not be reached|accessed|opened",
            "@not reach|access|open ~ from|outside|browser|externally",
            "doesnt|dont|not answer|respond|load",
            "no route|response",
            "is|are|was|were|went|going|goes|seems|completely|totally|still|again down",
            "down",
            "availability disruption",
            "temporarily|currently|service unavailable",
            "unavailable|502|503|504|502s|503s|504s|404|404s",
            "bad gateway",
            "gateway timeout|timeouts",
            "upstream ~ timeout|timed|refused|unavailable|failure|error",
            "connection|connections refused|reset|dropped|closed",
            "blank page|screen",
            "disconnected|disconnects|disconnecting|unresponsive",
            "nicht erreichbar|verfugbar",
            "nicht mehr erreichbar|verfugbar",
            "ausgefallen|ausfall|offline",
            "caido|caida|caidos|caidas|inaccesible|inalcanzable",
            "no responde|responden|disponible|accesible",
            "injoignable|panne|indisponible|inacessivel|indisponivel",
            "ne repond|repondent|fonctionne",
            "fora do ar",
            "nao responde|respondem",
            "antwortet|antworten nicht",
        ],
    ),
    (
        Symptom::CallFailing,
        &[
            "@not ~ reach|connect|talk|call|contact",
            "connection|connections refused|reset|timeout|timeouts|timed|error|errors|failed|fails",
            "econnrefused|etimedout|econnreset|ehostunreach",
            "dial tcp",
            "calls|requests|connecting|connection|connections ~ fail|fails|failing|time|timing",
            "i/o timeout",
            "io timeout",
            "deadline exceeded",
            "timeout|timeouts|timed calling|connecting|reaching|talking|out|from|to",
            "context deadline",
            "keine verbindung",
            "conexion|conexao|connexion ~ rechazada|recusada|refusee",
            "no puede|conecta conectar|con",
            "upstream connect",
        ],
    ),
    (
        Symptom::ResolutionFailing,
        &[
            "dns|getaddrinfo|enotfound|eai_again|nxdomain|servfail|coredns",
            "no such host",
            "name|host|hostname|hostnames|names resolution|lookup|lookups",
            "@not ~ resolve|resolved|resolving|resolves host|hosts|hostname|hostnames|name|names|service|services|domain",
            "@not resolve|resolves|resolved",
            "resolve|resolving host|hostname|hostnames|names",
            "unknown host",
            "unknownhostexception",
            "lookup ~ failed|fails|timeout|host",
        ],
    ),
    (
        Symptom::Errors,
        &[
            "error|errors|erroring|exception|exceptions|5xx|500|500s|stacktrace|traceback|httperror*",
            "error|failure|high|increased rate|errors",
            "stack trace",
            "throws|throwing|returns|returning|giving|gives ~ error|errors|500|500s|5xx",
            "502|503|504|502s|503s|504s",
            "requests|request|purchases|calls ~ fail|fails|failing|failed",
            "@not ~ saved|save|saves|stored",
            "fails|failing intermittently|randomly|sometimes",
            "sync broken|fails|failing",
            "temporarily unavailable",
            "internal server",
            "quality degradation",
            "fehler|fehlermeldung|errores|erreur|erreurs|erros|falla|fallan|falha|falham",
        ],
    ),
    (
        Symptom::WrongResponse,
        &[
            "wrong thing|response|responses|backend|page|content|data|service|answer|answers|site|app|result",
            "html|xml|text instead|rather",
            "someone|somebody elses",
            "returns|return|serves|shows|gets|get wrong|different|mixed",
            "half|some of the requests|responses|answers",
            "routed|routes|routing|goes|sent to wrong",
            "falsche antwort|seite|daten",
        ],
    ),
    (
        Symptom::Slow,
        &[
            "slow*|latency|latencies|p99|p95|p90|lag|lags|lagging|laggy|backlog|sluggish|throttl*|cputhrottlinghigh",
            "timeout|timeouts|timing",
            "times|timed out",
            "takes|taking|took ~ forever|long|longer|ages|seconds|minutes",
            "falls|falling|fell|running behind",
            "response|load|loading time|times",
            "degraded|degradation|degrading",
            "queue|consumer ~ grows|growing|lag|behind",
            "high|cpu cpu|usage",
            "langsam|langsamer|trage",
            "lento|lenta|lentos|lentas|lentidao|lent|lente|lents|lentes|ralenti|lentitud|demora",
        ],
    ),
    (
        Symptom::Evicted,
        &[
            "evicted|evicts|evicting|kubenodeeviction|preempted|preemption",
            "eviction|evictions",
            "ephemeral storage",
            "expulsado|expulsados|expulses|despejados",
        ],
    ),
    (
        Symptom::RolloutStalled,
        &[
            "@not rolling|rolled|roll out",
            "@not ~ rollout|update|upgrade",
            "rollout|roll-out|deployment|deploy|update|upgrade|release|rolling ~ stuck|hangs|hanging|stalled|broken|blocked|failed|fails|fail|halted|finishes|progress|stops|stopped",
            "rolling update ~ stuck|hangs|stalled",
            "stuck ~ rollout|update|upgrade",
            "progressdeadlineexceeded|kubedeploymentrolloutstuck|kubedaemonsetrolloutstuck|kubedeploymentgenerationmismatch",
            "kubestatefulsetupdatenotrolledout|kubestatefulsetgenerationmismatch",
            "progress deadline",
            "@not progressing",
            "nothing happend|happened|happens",
            "new version|release|revision|pods|replicaset ~ not|wont|never|stuck|cant|pending|crashes|fails|doesnt",
            "halfway|half through",
            "ausrollen|rollout ~ hangt|nicht|bloque|atascado|travado",
        ],
    ),
    (
        Symptom::StaleVersion,
        &[
            "old|previous|outdated|stale|older|earlier version|release|revision|image|config|build|code",
            "still runs|run|running|on|serving|serve|has ~ old|previous|v1|outdated",
            "outofsync",
            "out of sync",
            "@not updated|updating|picked|pick|applied|deployed|synced",
            "changes|change @not ~ applied|visible|live|effect|there",
            "nothing happend|happened|happens|changed",
            "alte|alten version",
            "version vieja|anterior|antigua|antiga",
            "ancienne version",
            "versao antiga|anterior",
        ],
    ),
    (
        Symptom::NotScaling,
        &[
            "@not ~ scale|scales|scaling|autoscale|autoscaling",
            "autoscal*|hpa|kubehpareplicasmismatch|kubehpamaxedout|maxed ~ stuck|broken|not|fails|maxed|out|doesnt|unable|wrong|unknown|limit",
            "kubehpareplicasmismatch|kubehpamaxedout|failedgetresourcemetric",
            "stuck at 1|2|3|4|5|6|8|10|one|two|three|max|min|minimum|maximum",
            "skaliert|skalieren nicht",
            "no escala|escalan",
        ],
    ),
    (
        Symptom::NotOnSchedule,
        &[
            "cron*|nightly|hourly|daily|weekly|scheduled ~ not|didnt|doesnt|never|isnt|arent|stopped|missed|missing",
            "@not ~ every minute|hour|day|night|minutes|hours|week",
            "last|latest run|execution ~ ago|ages|days|yesterday|old|seems",
            "@not run|ran|runs|executed|triggered|fire|fired|running ~ since|last|tonight|schedule|yesterday|night|anymore|more",
            "missed schedule|schedules|start|run|runs",
            "@not on schedule",
            "suspended",
            "cron* suspended|broken|stuck|fails|failing",
        ],
    ),
    (
        Symptom::JobFailed,
        &[
            "job|jobs|backup|migration|import|export|batch|cron*|marked|report|etl ~ failed|fails|failing|fail|failure|error|crashed|broken",
            "failed job|jobs|backup|migration",
            "backofflimitexceeded|kubejobfailed|deadlineexceeded",
            "backoff limit",
            "job ~ fehlgeschlagen|fallo|fallido|echoue|falhou",
        ],
    ),
    (
        Symptom::JobStuck,
        &[
            "job|jobs|backup|migration|import|export|batch ~ stuck|hangs|hanging|hung|running|forever",
            "@not complete|completes|completing|completed|finish|finishes|finished|finishing|end|ends",
            "kubejobnotcompleted",
            "still running after",
        ],
    ),
    (
        Symptom::Unbound,
        &[
            "unbound|failedbinding|provisioningfailed|kubepersistentvolumeerrors",
            "@not ~ bind|binds|bound|provisioned|binding",
            "pvc|pvcs|claim|claims ~ pending|lost|stuck|waiting",
            "waits|waiting|wait for ~ volume|pvc|disk|storage|claim",
            "no persistent volumes|volume",
            "waitforfirstconsumer",
        ],
    ),
    (
        Symptom::CannotDelete,
        &[
            "terminating|finalizer|finalizers|undeletable",
            "@not ~ deleted|delete|deletes|deleting|removed|remove|terminate|terminates",
            "delete|deletion|deleting ~ hangs|hang|stuck|blocked|forever|never",
            "stuck|hangs|hanging ~ deleting|deletion|termination",
            "nicht geloscht|loschen",
        ],
    ),
    (
        Symptom::CannotEvict,
        &[
            "drain|draining|drained ~ hangs|hang|stuck|fails|blocked|not|never|forever|error|refused|failed|cannot|cant",
            "@not ~ drain|drained|evict",
            "violate|violates ~ budget",
            "disruption budget",
            "eviction|evictions ~ refused|blocked|denied|429",
            "kubepdbnotenoughhealthypods|kubepdb*",
            "stuck ~ drain|draining",
        ],
    ),
    (
        Symptom::NodeUnhealthy,
        &[
            "node|nodes|knoten|nodo|nodos|noeud|host|machine|vm @not ~ ready|respond|responding|joining",
            "node|nodes|knoten|nodo|nodos|noeud ~ notready|unready|unhealthy|down|unreachable|dead|gone|lost|offline|unresponsive|caido|crashed|rebooted",
            "nodenotready|kubenodenotready|kubenodeunreachable|kubeletdown|kubenodereadinessflapping|kubenodepressure|nodenotreachable",
            "disk|memory|pid pressure",
            "diskpressure|memorypressure|pidpressure",
            "kubelet ~ down|stopped|dead|not|died|posting|crashed",
            "no space left",
            "networkunavailable",
        ],
    ),
    (
        Symptom::ControlPlane,
        &[
            "control plane ~ down|broken|slow|not|unstable|unhealthy|issue|issues|problem|problems",
            "apiserver|api-server|kube-apiserver|kube-scheduler|kube-controller-manager|kube-proxy",
            "kubeapidown|kubeschedulerdown|kubecontrollermanagerdown|kubeproxydown|etcdmembersdown",
            "api server ~ down|slow|unreachable|not|timeout|timeouts|unavailable|overloaded",
            "controller manager",
            "scheduler ~ down|not|dead|crashed|gone|broken|stopped",
            "leader election",
            "kubectl ~ timeout|timeouts|slow|unresponsive|refused",
        ],
    ),
    (
        Symptom::Forbidden,
        &[
            "forbidden|unauthorized|unauthorised|403|401|403s|401s|eacces|rbac|eperm",
            "permission|access|permissions denied|missing|problem|error|issue",
            "no|lacks|lost permission|permissions|access",
            "@not ~ allowed|permitted",
            "read-only ~ filesystem|system",
            "read only file|filesystem",
            "operation not permitted",
            "keine berechtigung",
            "permiso denegado",
            "acces refuse",
            "permissao negada",
        ],
    ),
];

/// Words before a symptom that deny it, unless the phrase itself is a denial.
const DENIALS: &[&str] =
    &["no", "not", "isnt", "arent", "without", "never", "nothing", "kein", "keine", "sin", "sans", "sem"];

enum Part {
    /// One word out of these; a trailing `*` means any ending.
    Word(Vec<&'static str>),
    /// Up to four words.
    Gap,
}

struct Phrase {
    symptom: Symptom,
    parts: Vec<Part>,
    denies: bool,
}

struct Phrases {
    all: Vec<Phrase>,
    /// Phrases by their first word; the empty key has those that begin with a prefix.
    by_first: HashMap<&'static str, Vec<usize>>,
    words: HashSet<&'static str>,
    prefixes: Vec<&'static str>,
}

static TABLE: LazyLock<Phrases> = LazyLock::new(Phrases::new);

impl Phrases {
    fn new() -> Self {
        let mut table =
            Self { all: Vec::new(), by_first: HashMap::new(), words: HashSet::new(), prefixes: Vec::new() };
        for (symptom, phrases) in PHRASES {
            for phrase in *phrases {
                table.add(*symptom, phrase);
            }
        }
        table
    }

    fn add(&mut self, symptom: Symptom, phrase: &'static str) {
        let mut parts = Vec::new();
        for part in phrase.split(' ') {
            let alternatives = match part {
                "~" => {
                    parts.push(Part::Gap);
                    continue;
                }
                "@not" => NOT,
                other => other,
            };
            parts.push(Part::Word(alternatives.split('|').collect()));
        }
        let number = self.all.len();
        for (index, part) in parts.iter().enumerate() {
            let Part::Word(alternatives) = part else { continue };
            for word in alternatives {
                match word.strip_suffix('*') {
                    Some(prefix) => self.prefixes.push(prefix),
                    None => {
                        self.words.insert(word);
                    }
                }
                if index == 0 {
                    let key = if word.ends_with('*') { "" } else { word };
                    self.by_first.entry(key).or_default().push(number);
                }
            }
        }
        self.all.push(Phrase { symptom, parts, denies: phrase.contains("@not") });
    }

    fn candidates<'a>(&'a self, word: &str) -> impl Iterator<Item = &'a Phrase> {
        let exact = self.by_first.get(word).into_iter().flatten();
        let prefix = self.by_first.get("").into_iter().flatten();
        exact.chain(prefix).filter_map(|index| self.all.get(*index))
    }
}

impl Phrase {
    /// Whether the phrase begins at the first of these words.
    fn matches(&self, words: &[&str]) -> bool {
        fn rest(parts: &[Part], words: &[&str]) -> bool {
            match parts.split_first() {
                None => true,
                Some((Part::Gap, parts)) => {
                    (0..=4).any(|skip| words.get(skip..).is_some_and(|words| rest(parts, words)))
                }
                Some((Part::Word(alternatives), parts)) => {
                    words.split_first().is_some_and(|(word, words)| {
                        alternatives.iter().any(|known| same_word(known, word)) && rest(parts, words)
                    })
                }
            }
        }
        rest(&self.parts, words)
    }
}

fn same_word(known: &str, word: &str) -> bool {
    match known.strip_suffix('*') {
        Some(prefix) => word.starts_with(prefix),
        None => known == word,
    }
}

/// Whether a folded word is one that tells a symptom, and so is no name by itself.
pub(super) fn is_symptom_word(word: &str) -> bool {
    TABLE.words.contains(word) || TABLE.prefixes.iter().any(|prefix| word.starts_with(prefix))
}

/// The symptoms a description tells, in the order of [`Symptom`].
pub(super) fn symptoms(tokens: &[Token]) -> Vec<Symptom> {
    let mut found = BTreeSet::new();
    let meant: Vec<Token> = tokens
        .iter()
        .enumerate()
        .filter(|(index, _)| !super::negation::is_for_later(tokens, *index))
        .map(|(_, token)| token.clone())
        .collect();
    let expanded = expand(&meant);
    for clause in expanded.chunk_by(|a, b| a.0 == b.0) {
        let words: Vec<&str> = clause.iter().map(|(_, word)| word.as_str()).collect();
        for (index, word) in words.iter().enumerate() {
            fractions(word, &mut found);
            let (Some(before), Some(here)) = (words.get(..index), words.get(index..)) else { continue };
            let denied = is_denied(before);
            for phrase in TABLE.candidates(word) {
                if !(denied && !phrase.denies) && phrase.matches(here) {
                    found.insert(phrase.symptom);
                }
            }
        }
    }
    found.into_iter().collect()
}

/// Whether the words before deny what follows: "no errors", "without any", "nothing looks like an".
fn is_denied(before: &[&str]) -> bool {
    let near = before.iter().rev().take(2).any(|word| DENIALS.contains(word));
    near || before.iter().rev().take(7).any(|word| *word == "nothing")
}

/// Words by clause; words in camel case and hyphenated ordinary words also in their parts.
fn expand(tokens: &[Token]) -> Vec<(usize, String)> {
    let mut words = Vec::with_capacity(tokens.len());
    for token in tokens {
        words.push((token.clause, token.folded.clone()));
        if TABLE.words.contains(token.folded.as_str()) {
            // `ImagePullBackOff` is one symptom, not also "back off".
        } else if let Some(parts) = camel_words(&token.text) {
            words.extend(parts.into_iter().map(|part| (token.clause, part)));
        } else if let Some(parts) = ordinary_parts(&token.folded) {
            words.extend(parts.into_iter().map(|part| (token.clause, part)));
        } else if let Some((before, after)) =
            token.folded.split_once(':').filter(|(_, after)| !after.contains('/'))
        {
            words.extend([before, after].map(|part| (token.clause, part.to_owned())));
        }
    }
    words
}

/// The parts of a hyphenated word, where all of them are ordinary words: `crash-looping`.
pub(super) fn ordinary_parts(word: &str) -> Option<Vec<String>> {
    let parts: Vec<String> = word.split(['-', '/', '_', '.']).map(str::to_owned).collect();
    let ordinary = |part: &String| words::class_of(part) == words::WordClass::Ordinary;
    (parts.len() > 1 && parts.iter().all(ordinary)).then_some(parts)
}

/// `0/3` tells pods that are not ready, `Init:0/1` init containers that have not run.
fn fractions(word: &str, found: &mut BTreeSet<Symptom>) {
    let (prefix, fraction) = word.rsplit_once(':').unwrap_or(("", word));
    let Some((ready, wanted)) = fraction.split_once('/') else { return };
    let (Ok(ready), Ok(wanted)) = (ready.parse::<u32>(), wanted.parse::<u32>()) else { return };
    if prefix == "init" {
        found.insert(Symptom::Initializing);
    } else if ready < wanted {
        found.insert(Symptom::NotReady);
    }
}
