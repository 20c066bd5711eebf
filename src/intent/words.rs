//! Words that are no names: ordinary words of several languages, generic nouns, kinds.
//!
//! Without them "new pods do not start" would name whatever is called `new`. A word that is
//! missing here can at worst match an object that really has that name.

mod custom;

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use crate::cluster::Kind;

/// What a word can be, seen alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum WordClass {
    /// An ordinary word or one that tells a symptom: never a name by itself.
    Ordinary,
    /// A noun of the trade, such as `api` or `database`: a name only where an object has exactly it.
    Generic,
    /// A kind, such as `deployment` or `pods`.
    Kind,
    /// Anything else.
    Name,
}

const ENGLISH: &str = "
    a about above absolutely access according across action active actual actually additional affected after again
    against age ago all almost alone already also although always am an and another any anybody anyhow anymore
    anyone anything anyway anywhere apart apparently applied apply applying are area arent around as asap ask asked
    asking at attempt attempts automatic automatically available availability away awful bad badly barely based
    baseline be became because become becomes becoming been before began begin begins behind being below besides
    best better between beyond big bigger bit blank block blocked blocks boot booting boots both bounce bounces
    bounced bouncing bound break breaking breaks bring broke broken brought browser bug build building built bunch
    business but by call called calling calls came can cannot cant capacity care case cases cause caused causes
    causing certain change changed changes changing charge check checked checking checks clean cleaned cleaning
    clear clearly close closed clue clueless code coming come comes common company complain complaining complains
    complaint complaints complete completed completely completes completing concerned config configuration
    configured confirm confirmed connect connected connecting connection connections connects constant constantly
    containers container continue continues continuously copy correct correctly could couldnt count couple cpu
    create created creates creating credential credentials creds critical current currently customer customers dark
    dashboard dashboards date day days dead deadline debug default delay delayed delays delete deleted deletes
    deleting delivered denied deny deploy deployed deploying deploys despite dev developer developers devs did didnt
    die died dies different difference directory disappear disappeared disappearing disconnect disconnected
    disconnecting disconnects disk dns do docker document documents does doesnt doing done dont down download
    downtime drain drained draining drop dropped dropping drops due during dying each early easy edit either else
    emergency empty encounter end ended ending ends endless endlessly enough entire entirely environment
    environments especially etc even evening event events ever every everybody everyone everything everywhere exact
    exactly example except existing exist exists exit exited exiting exits expect expected experience experiencing
    explain external extremely fail failed failing fails failure failures fall falling falls false far fast fatal
    fault feels felt few figure file files fill filled final finally find fine finish finished finishes finishing
    fired firing first fix fixed flap flapping flaps flood flooded folks follow following for force forced forever
    form forward found free freeze freezes fresh friday from frozen full fully further gave generate generated
    generating get gets getting give gives giving go goes going gone gonna good got gotten gray green grew group
    grow grows guess guys had half halt halted hand handle handled handling hang hanging hangs happen happend
    happened happening happens happy hard hardened hardly has hasnt have havent having he healthy hear heard heavily
    heavy hell hello help helped helping helps her here hey hi hidden high higher highly him his hit hits hitting
    hold holds hour hourly hours how however html http https huge hundred hung i idea identify idle if ignore ignored
    ill im immediately impact impacted important in incident incidents included including incoming incorrect
    increase increased increases increasing incredibly indefinitely info information inside install installed
    instantly instead intermittent intermittently internal internet into investigate investigating ip is isnt issue
    issues it its itself ive java json just keep keeping keeps kept kill killed killing kills kind kinda know known
    kubectl kubernetes k8s lack lag lagging lags laptop large last lasting late lately latency later latest launch
    launched least leave leaves leaving left less let level like likely limit limits line lines list little live
    load loaded loading loads local locally location lock locked log logged logging login logs long longer look
    looked looking looks loop looping loops lose loses losing lost lot lots low lower lunch machine made main mainly
    maintenance major make makes making manager many mark marked marks massive match matching may maybe me mean means
    meanwhile memory merge merged mess message messages middle midnight might migrate migrated migrating migration
    min mind mine minor mins minute minutes misconfigured miss missed misses missing mistake moment monday month
    months more morning most mostly mount mounted mounting mounts move moved moving much multiple must my name named
    near nearly need needed needs network never new newest newly next nice night nightly no nobody nodes none noon
    nor normal normally not nothing notice noticed now number obvious obviously occasionally occur occurred
    occurring occurs odd of off offline often oh ok okay old older on once one ones ongoing online only open opened
    opening opens operation option or order ordinary other others otherwise our ours ourselves out outage outages
    output outside over overloaded own page pages part partial partially particular past patch patched patching
    path pattern peak people per percent perfect perfectly performance perhaps period permanently permission
    permissions person phone pick piece pile piles place placeholders platform please plus point points policy
    policies poor poorly possible possibly post potential preparing present press pressure pretty previous
    previously probably problem problems process processed processes processing prod product production proper
    properly provide public pull pulled pulling pulls purchase purchases push pushed put quality question quick
    quickly quite random randomly rarely rate rather re reach reachable reached reaches reaching read readiness
    reading ready real really reason reboot rebooted rebooting receive received receiving recent recently recover
    recovered recovering red redeploy redeployed reduced refresh refuse refused refuses refusing regarding region
    regular regularly related release released releases releasing reload remain remains remove removed removing
    repeated repeatedly replace replaced replicas replica report reported reporting reports request requested
    requests require required requires reset resets resolve resolved resolves resolving resource resources respond
    responding responds response responses rest restart restarted restarting restarts result results retry retried
    retries return returned returning returns revert reverted right roll rolled rolling rollout rollouts rollback
    rotate rotated rotating rotation route rule rules run running runs same saturday save saved saving saw say
    saying says scale scaled scaling schedule scheduled schedules scheduling second seconds security see seeing seem
    seemed seems seen send sending sends sent serious seriously serve served serves serving session sessions set
    setting settings several severe shall she ship shipped short should shouldnt show showed showing shown shows
    shut shutdown side sign significant significantly similar simple simply since single site sites situation size
    sleep slow slowed slower slowly small so some somebody somehow someone something sometime sometimes somewhere
    soon sorry sort space spike spikes spiking spot stable stack stale start started starting starts startup state
    states status stay stays step still stop stopped stopping stops storage store stored straight strange stuck stuff
    succeed succeeded succeeds success successful successfully such sudden suddenly sunday support supposed sure
    suspect switch switched sync synced system systems take taken takes taking talk talking team teams tell tells
    temporarily temporary terminate terminated terminates terminating termination terrible terribly test tested testing tests
    than thanks that thats the their them themselves then there theres these they theyre thing things think this
    those though thought thousands three through throughout throw throwing throws thursday thus ticket time timed
    timeout timeouts times timing tiny to today together told tomorrow tonight too took top total totally touch
    touched toward trace track traffic tried tries trigger triggered trouble troubleshoot true try trying tuesday
    turn turned turns twice two type unable unavailable unclear under understand undeploy unexpected
    unexpectedly unhealthy unknown unless unreachable unresponsive unscheduled unstable until up update updated updates
    add adding adds pool pools updating upgrade upgraded upgrading upload upon urgent us usage use used uses using usual usually value values
    various version versions very via view visible visit volume wait waited waiting waits wake want wanted wants was wasnt
    watch way we wednesday weekend week weekly weeks weird well went were werent what whatever whats when whenever
    where whether which while who whole whos why wide will window wish with within without wont word wont work
    worked working works workflow worse worst would wouldnt write writes writing wrong yaml yeah year yes yesterday yesterdays
    yet you your zero zone second third customers partner partners client clients colleague colleagues boss manager
    monitoring alarm alarms warning warnings info severity runbook pagerduty oncall page paged
    ha quorum member members replica traceback spring ios android apple windows linux mac argo helm gitops patch
    someones everyones broken placeholder behaviour behavior behaves abnormal abnormally disruption degradation
    degraded degrading unreachability inaccessible accessible downstream upstream neither nowhere nope forbidden
    unauthorized unauthorised allowed disallowed refuses hosts host hostname hostnames resolv lookup lookups address
    addresses stability unstable unavailability response times morning afternoon evening hours minor staff folks
    everybody nobody customers random intermittent sporadic sporadically occasional periodically
    quota limit limits priority budget budgets instance instances version versions tag tags pulling registry
    registries rolled unbound bind binds binding pending pressure evict evicted evictions eviction kubelet cordon
    cordoned cordoning uncordon taint taints tainted tolerations affinity probe probes liveness
    ca cert certificate certificates tls ssl x509 tcp udp ipv4 ipv6 http2 oauth2 utf8 sha256 base64
    unhandled uncaught segmentation reached gib mib gb mb kb ms
    english
";

const OTHER_LANGUAGES: &str = "
    der die das den dem des ein eine einen einem einer ist sind war waren wird werden nicht kein keine keinen mehr und
    oder aber auch noch nur schon seit heute gestern morgen nacht vor nach bei mit von zu zum zur im am auf aus fur
    uber unter wenn weil dass ob wie was wer wo warum wir ihr sie er es ich mich uns euch man alle alles jeder jede
    jedes haben hat hatte kann konnen geht gehen ging lauft laufen lief startet starten gestartet neu neue neuen
    alte alten hangt hangen bleibt bleiben steht immer wieder standig dauernd langsam langsamer abgesturzt sturzt
    absturz fehler fehlgeschlagen erreichbar kaputt defekt bitte hilfe problem probleme stunde stunden minute
    minuten tage tagen woche antwortet antworten verbindung verbinden keinerlei scheint plotzlich kunden fehlt fehlen
    ausgefallen funktioniert funktionieren gut ordnung selbst einfach abfragen anfragen seite lange ewig
    el la los las un una unos unas es son esta estan estaba fue ser no ni si pero que como cuando desde hasta hoy ayer
    manana noche por para con sin sobre entre del al en de se le les lo su sus mi nos muy mas menos ya aun todavia
    siempre nunca algo nada todo todos toda todas hay tiene tienen funciona funcionan arranca arrancan arrancar inicia
    inician lento lenta lentos lentas caido caida caidos caidas error errores falla fallan fallo fallando reinicia
    reinician reiniciando reinicios responde responden hace hora horas minutos dias pendiente pendientes ayuda
    despues antes bien usuarios pagina sigue
    le la les un une des du de est sont etait ete ne pas plus que qui quoi et ou mais aussi encore depuis hier
    aujourdhui demain nuit avec sans pour par sur sous dans chez ce cet cette ces il elle ils elles on nous vous je
    tout tous toute toutes rien tres trop toujours jamais demarre demarrent demarrer marche marchent fonctionne
    fonctionnent lent lente lents lentes plante plantent plantage tombe tombee redemarre redemarrent erreur erreurs
    echoue echouent repond repondent heure heures jours bloque bloquee bloques bloquees injoignable inaccessible panne
    aide apres avant bien meme
    o os as um uma uns umas e sao esta estao foi nao nem mas se que como quando desde ate hoje ontem amanha noite por
    para com sem sobre entre do da dos das no na nos nas em seu sua muito mais menos ja ainda sempre nunca algo nada
    tudo todos tem funciona funcionam inicia iniciam iniciar lento lenta caiu caindo cair fora ar erro erros falha
    falham falhando reiniciando reinicia responde respondem ha hora horas minutos dias pendente ajuda depois antes bem
    travado travando quebrado
    il lo gli della delle dei non piu anche ma perche come quando da ieri oggi sono stato stata
";

const GENERIC: &str = "
    backup backups batch etl export import report reports session sessions history chat mail tickets match
    admin agent alert alerts analytics api apis apiserver app apps application applications auth back backend
    backends balance base bot broker bus cache client clients cluster clusters component components console consumer
    controller core coredns cron crons data database databases db dbs device devices dispatcher email emails
    endpoint endpoints engine etcd exporter feature front frontend frontends game games gateway gateways grpc gui hook
    image images item items kafka list listener load-balancer loadbalancer mail mails manager master message messages metric
    metrics microservice microservices migration mobile module mongo mongodb mysql nginx notification notifications
    operator order orders page pages portal postgres postgresql primary processor producer product products program
    proxy queue queues rabbitmq redis replica resolver router scheduler scraper script scripts search secondary
    server servers shop site sidecar sink slave sql src staging stage standby store stream streams svc task tasks
    tool tools ui user users video videos warehouse web webapp webhook webhooks webserver website websocket worker
    workers workload workloads prometheus alertmanager
";

/// Generic nouns that people use for things, not for objects: they lose to any better name.
const WEAK: &str = "
    agent alert alerts app apps application applications back balance base client clients cluster clusters component
    components data device devices email emails endpoint endpoints feature front game games image images item items
    list load-balancer loadbalancer message messages metric metrics module notification notifications order orders
    page pages primary product products program script scripts secondary server servers shop site stage staging
    store stream streams task tasks tool tools user users video videos warehouse website websocket workload workloads
";

/// Generic words that still tell one name from another, as in `mongo-backup`.
const DISTINCTIVE: &str = "
    backup batch chat coredns etcd etl export history import kafka mail match mongo mongodb mysql nginx order orders
    postgres postgresql rabbitmq redis report reports search session sessions tickets
";

/// Software that is run under its own name: "redis" may be short for `redis-main`.
const PRODUCTS: [&str; 11] = [
    "coredns",
    "etcd",
    "kafka",
    "mongo",
    "mongodb",
    "mysql",
    "nginx",
    "postgres",
    "postgresql",
    "rabbitmq",
    "redis",
];

const KINDS: &[(&str, Kind)] = &[
    ("configmap", Kind::ConfigMap),
    ("cm", Kind::ConfigMap),
    ("cronjob", Kind::CronJob),
    ("cj", Kind::CronJob),
    ("daemonset", Kind::DaemonSet),
    ("ds", Kind::DaemonSet),
    ("deploy", Kind::Deployment),
    ("deployment", Kind::Deployment),
    ("despliegue", Kind::Deployment),
    ("deploiement", Kind::Deployment),
    ("hpa", Kind::HorizontalPodAutoscaler),
    ("autoscaler", Kind::HorizontalPodAutoscaler),
    ("horizontalpodautoscaler", Kind::HorizontalPodAutoscaler),
    ("ingress", Kind::Ingress),
    ("ing", Kind::Ingress),
    ("ingressclass", Kind::IngressClass),
    ("job", Kind::Job),
    ("limitrange", Kind::LimitRange),
    ("namespace", Kind::Namespace),
    ("ns", Kind::Namespace),
    ("netpol", Kind::NetworkPolicy),
    ("networkpolicy", Kind::NetworkPolicy),
    ("networkpolicies", Kind::NetworkPolicy),
    ("node", Kind::Node),
    ("knoten", Kind::Node),
    ("nodo", Kind::Node),
    ("noeud", Kind::Node),
    ("persistentvolume", Kind::PersistentVolume),
    ("pv", Kind::PersistentVolume),
    ("persistentvolumeclaim", Kind::PersistentVolumeClaim),
    ("pvc", Kind::PersistentVolumeClaim),
    ("claim", Kind::PersistentVolumeClaim),
    ("pod", Kind::Pod),
    ("po", Kind::Pod),
    ("poddisruptionbudget", Kind::PodDisruptionBudget),
    ("pdb", Kind::PodDisruptionBudget),
    ("priorityclass", Kind::PriorityClass),
    ("replicaset", Kind::ReplicaSet),
    ("rs", Kind::ReplicaSet),
    ("resourcequota", Kind::ResourceQuota),
    ("secret", Kind::Secret),
    ("service", Kind::Service),
    ("svc", Kind::Service),
    ("servicio", Kind::Service),
    ("servico", Kind::Service),
    ("dienst", Kind::Service),
    ("serviceaccount", Kind::ServiceAccount),
    ("sa", Kind::ServiceAccount),
    ("statefulset", Kind::StatefulSet),
    ("sts", Kind::StatefulSet),
    ("storageclass", Kind::StorageClass),
    ("validatingwebhookconfiguration", Kind::ValidatingWebhookConfiguration),
    ("mutatingwebhookconfiguration", Kind::MutatingWebhookConfiguration),
    ("role", Kind::Role),
    ("rolebinding", Kind::RoleBinding),
    ("clusterrole", Kind::ClusterRole),
    ("clusterrolebinding", Kind::ClusterRoleBinding),
];

/// Kinds that people write as two words.
const TWO_WORD_KINDS: &[(&str, &str, Kind)] = &[
    ("config", "map", Kind::ConfigMap),
    ("cron", "job", Kind::CronJob),
    ("daemon", "set", Kind::DaemonSet),
    ("disruption", "budget", Kind::PodDisruptionBudget),
    ("limit", "range", Kind::LimitRange),
    ("network", "policy", Kind::NetworkPolicy),
    ("persistent", "volume", Kind::PersistentVolume),
    ("priority", "class", Kind::PriorityClass),
    ("replica", "set", Kind::ReplicaSet),
    ("resource", "quota", Kind::ResourceQuota),
    ("service", "account", Kind::ServiceAccount),
    ("stateful", "set", Kind::StatefulSet),
    ("storage", "class", Kind::StorageClass),
    ("volume", "claim", Kind::PersistentVolumeClaim),
    ("name", "space", Kind::Namespace),
];

/// Labels of alerts and what the value names; no kind means any.
const LABELS: &[(&str, Option<Kind>)] = &[
    ("namespace", Some(Kind::Namespace)),
    ("ns", Some(Kind::Namespace)),
    ("kubernetes_namespace_name", Some(Kind::Namespace)),
    ("pod", Some(Kind::Pod)),
    ("pod_name", Some(Kind::Pod)),
    ("exported_pod", Some(Kind::Pod)),
    ("kubernetes_pod_name", Some(Kind::Pod)),
    ("deployment", Some(Kind::Deployment)),
    ("deploy", Some(Kind::Deployment)),
    ("statefulset", Some(Kind::StatefulSet)),
    ("daemonset", Some(Kind::DaemonSet)),
    ("replicaset", Some(Kind::ReplicaSet)),
    ("job_name", Some(Kind::Job)),
    ("cronjob", Some(Kind::CronJob)),
    ("service", Some(Kind::Service)),
    ("svc", Some(Kind::Service)),
    ("service_name", Some(Kind::Service)),
    ("exported_service", Some(Kind::Service)),
    ("destination_service", Some(Kind::Service)),
    ("destination_service_name", Some(Kind::Service)),
    ("node", Some(Kind::Node)),
    ("nodename", Some(Kind::Node)),
    ("node_name", Some(Kind::Node)),
    ("kubernetes_node", Some(Kind::Node)),
    ("ingress", Some(Kind::Ingress)),
    ("persistentvolumeclaim", Some(Kind::PersistentVolumeClaim)),
    ("pvc", Some(Kind::PersistentVolumeClaim)),
    ("persistentvolume", Some(Kind::PersistentVolume)),
    ("horizontalpodautoscaler", Some(Kind::HorizontalPodAutoscaler)),
    ("hpa", Some(Kind::HorizontalPodAutoscaler)),
    ("poddisruptionbudget", Some(Kind::PodDisruptionBudget)),
    ("pdb", Some(Kind::PodDisruptionBudget)),
    ("configmap", Some(Kind::ConfigMap)),
    ("secret", Some(Kind::Secret)),
    ("resourcequota", Some(Kind::ResourceQuota)),
    ("workload", None),
    ("destination_workload", None),
    ("owner_name", None),
    ("created_by_name", None),
    ("app", None),
    ("application", None),
    ("k8s-app", None),
    ("k8s_app", None),
    ("app.kubernetes.io/name", None),
    ("app_kubernetes_io_name", None),
    ("app.kubernetes.io/instance", None),
    ("component", None),
    ("host", None),
    ("hostname", None),
];

fn set(words: &'static str) -> HashSet<&'static str> {
    words.split_whitespace().collect()
}

static GENERIC_SET: LazyLock<HashSet<&str>> = LazyLock::new(|| set(GENERIC));
static WEAK_SET: LazyLock<HashSet<&str>> = LazyLock::new(|| set(WEAK));
static DISTINCTIVE_SET: LazyLock<HashSet<&str>> = LazyLock::new(|| set(DISTINCTIVE));
static ORDINARY_SET: LazyLock<HashSet<&str>> = LazyLock::new(|| {
    let mut words = set(ENGLISH);
    words.extend(set(OTHER_LANGUAGES));
    words
});
static KIND_MAP: LazyLock<HashMap<&str, &Kind>> =
    LazyLock::new(|| KINDS.iter().map(|(word, kind)| (*word, kind)).collect());

/// The kind that a folded word means, singular or plural.
pub(super) fn kind_of(word: &str) -> Option<Kind> {
    let found = KIND_MAP
        .get(word)
        .or_else(|| KIND_MAP.get(word.strip_suffix('s')?))
        .or_else(|| KIND_MAP.get(word.strip_suffix("es")?));
    found.map(|kind| (*kind).clone()).or_else(|| custom::kind_of(word))
}

/// The kind that two folded words mean together.
pub(super) fn kind_of_pair(first: &str, second: &str) -> Option<Kind> {
    let singular = second.strip_suffix("ies").map(|stem| format!("{stem}y"));
    let second = singular.as_deref().unwrap_or(second);
    let second = second.strip_suffix("es").filter(|stem| stem.ends_with("ss")).unwrap_or(second);
    let second = if second.ends_with("ss") { second } else { second.strip_suffix('s').unwrap_or(second) };
    let own = TWO_WORD_KINDS.iter().find(|(a, b, _)| *a == first && *b == second);
    own.map(|(_, _, kind)| kind.clone()).or_else(|| custom::kind_of_pair(first, second))
}

/// What the value of an alert's label names; none for labels that name no object.
pub(super) fn label(key: &str) -> Option<Option<Kind>> {
    let known = LABELS.iter().find(|(name, _)| *name == key).map(|(_, kind)| kind.clone());
    known.or_else(|| key.ends_with("_namespace").then_some(Some(Kind::Namespace)))
}

/// Whether a folded word is a generic noun.
pub(super) fn is_generic(word: &str) -> bool {
    GENERIC_SET.contains(word) || kind_of(word).is_some()
}

/// Whether a folded word is a generic noun that loses to any better name.
pub(super) fn is_weak(word: &str) -> bool {
    WEAK_SET.contains(word) || kind_of(word).is_some()
}

/// Whether a folded word is well-known software.
pub(super) fn is_product(word: &str) -> bool {
    PRODUCTS.contains(&word)
}

/// Whether a part of a name says nothing about which object it is.
pub(super) fn is_filler(part: &str) -> bool {
    is_generic(part) && !DISTINCTIVE_SET.contains(part)
        || part.bytes().all(|byte| byte.is_ascii_digit())
        || matches!(part, "v1" | "v2" | "v3" | "v4" | "prod" | "dev" | "test" | "main" | "default")
}

/// What a folded word can be, seen alone.
pub(super) fn class_of(word: &str) -> WordClass {
    if kind_of(word).is_some() {
        return WordClass::Kind;
    }
    if GENERIC_SET.contains(word) {
        return WordClass::Generic;
    }
    let possessive = word.strip_suffix('s').unwrap_or(word);
    let ordinary = ORDINARY_SET.contains(word)
        || super::symptoms::is_symptom_word(word)
        || word.chars().count() < 2
        || !word.chars().any(char::is_alphabetic)
        || is_measure(word)
        || (possessive.len() > 3 && ORDINARY_SET.contains(possessive));
    if ordinary { WordClass::Ordinary } else { WordClass::Name }
}

/// A number with a unit or sign, such as `20s`, `500ms`, `30+`, `p99` or `v2`.
fn is_measure(word: &str) -> bool {
    let digits = word.chars().filter(char::is_ascii_digit).count();
    let letters = word.chars().filter(|character| character.is_alphabetic()).count();
    let starts = word.starts_with(|character: char| character.is_ascii_digit());
    digits > 0 && !word.contains('-') && (letters < 2 || starts && letters < 4)
}
