//! Pods, containers and what a pod template says.

use super::{Condition, IntOrString, Map, Meta, Rare, Shared, TemplateMeta, Text, Time, object, slim};
use crate::cluster::quantity::ResourceList;

slim! {
    /// A Pod.
    Pod { metadata: Meta, spec: PodSpec, status: PodStatus, }

    /// What a workload makes its pods from.
    PodTemplate { metadata: TemplateMeta, spec: Shared<PodSpec>, }

    /// `spec` of a Pod or a pod template.
    PodSpec {
        containers: Shared<Box<[Container]>>,
        init_containers: Shared<Box<[Container]>>,
        volumes: Shared<Box<[Volume]>>,
        node_name: Text,
        node_selector: Map<Text>,
        affinity: Rare<Affinity>,
        tolerations: Shared<Box<[Toleration]>>,
        topology_spread_constraints: Box<[TopologySpreadConstraint]>,
        service_account_name: Text,
        automount_service_account_token: Option<bool>,
        priority_class_name: Text,
        priority: Option<i64>,
        runtime_class_name: Text,
        scheduler_name: Text,
        scheduling_gates: Box<[Named]>,
        restart_policy: Text,
        dns_policy: Text,
        dns_config: Rare<DnsConfig>,
        host_network: bool,
        hostname: Text,
        subdomain: Text,
        image_pull_secrets: Box<[Named]>,
        security_context: Rare<SecurityContext>,
        termination_grace_period_seconds: Option<i64>,
        active_deadline_seconds: Option<i64>,
        readiness_gates: Box<[ReadinessGate]>,
        enable_service_links: Option<bool>,
        share_process_namespace: bool,
        overhead: ResourceList,
        resource_claims: Box<[Named]>,
    }

    /// An object that is only a name.
    Named { name: Text, }

    /// A condition that must be true for the pod to be Ready.
    ReadinessGate { condition_type: Text, }

    /// `dnsConfig` of a pod.
    DnsConfig { nameservers: Box<[Text]>, searches: Box<[Text]>, options: Box<[NameValue]>, }

    /// A name and a value.
    NameValue { name: Text, value: Text, }

    /// A container of a pod.
    Container {
        name: Text,
        image: Text,
        command: Box<[Text]>,
        args: Box<[Text]>,
        env: Box<[EnvVar]>,
        env_from: Box<[EnvFrom]>,
        ports: Box<[ContainerPort]>,
        resources: Resources,
        volume_mounts: Box<[VolumeMount]>,
        liveness_probe: Option<Box<Probe>>,
        readiness_probe: Option<Box<Probe>>,
        startup_probe: Option<Box<Probe>>,
        lifecycle: Rare<Lifecycle>,
        security_context: Rare<SecurityContext>,
        /// `Always` makes an init container a sidecar.
        restart_policy: Text,
    }

    /// An environment variable.
    EnvVar { name: Text, value: Option<Text>, value_from: Option<Box<EnvSource>>, }

    /// Where an environment variable's value comes from.
    EnvSource {
        config_map_key_ref: Option<KeySelector>,
        secret_key_ref: Option<KeySelector>,
        field_ref: Option<FieldRef>,
    }

    /// A field of the pod itself.
    FieldRef { field_path: Text, }

    /// A key of a ConfigMap or Secret.
    KeySelector { name: Text, key: Text, optional: bool, }

    /// All keys of a ConfigMap or Secret as environment variables.
    EnvFrom { prefix: Text, config_map_ref: Option<OptionalRef>, secret_ref: Option<OptionalRef>, }

    /// A reference that may be allowed to dangle.
    OptionalRef { name: Text, optional: bool, }

    /// A declared port.
    ContainerPort { name: Text, container_port: i64, host_port: i64, #[serde(rename = "hostIP")] host_ip: Text, protocol: Text, }

    /// Requests and limits.
    Resources { requests: ResourceList, limits: ResourceList, }

    /// A volume seen inside a container.
    VolumeMount { name: Text, mount_path: Text, sub_path: Text, read_only: bool, }

    /// A liveness, readiness or startup probe. Zero means unset: see the accessors for defaults.
    Probe {
        http_get: Option<HttpGet>,
        tcp_socket: Option<TcpSocket>,
        grpc: Option<Grpc>,
        exec: Option<Exec>,
        initial_delay_seconds: i64,
        timeout_seconds: i64,
        period_seconds: i64,
        success_threshold: i64,
        failure_threshold: i64,
        termination_grace_period_seconds: Option<i64>,
    }

    /// An HTTP probe or hook.
    HttpGet { path: Text, port: IntOrString, host: Text, scheme: Text, http_headers: Box<[NameValue]>, }
    /// A TCP probe.
    TcpSocket { port: IntOrString, host: Text, }
    /// A gRPC health probe.
    Grpc { port: IntOrString, service: Text, }
    /// A command run in the container.
    Exec { command: Box<[Text]>, }

    /// Hooks around a container's life.
    Lifecycle { post_start: Option<Handler>, pre_stop: Option<Handler>, }
    /// What a hook does.
    Handler { exec: Option<Exec>, http_get: Option<HttpGet>, }

    /// Security settings of a pod or container.
    SecurityContext {
        run_as_user: Option<i64>,
        run_as_group: Option<i64>,
        run_as_non_root: Option<bool>,
        fs_group: Option<i64>,
        read_only_root_filesystem: Option<bool>,
        privileged: Option<bool>,
        allow_privilege_escalation: Option<bool>,
        capabilities: Capabilities,
        seccomp_profile: Option<SeccompProfile>,
        sysctls: Box<[NameValue]>,
    }
    /// Linux capabilities added and dropped.
    Capabilities { add: Box<[Text]>, drop: Box<[Text]>, }
    /// A seccomp profile.
    SeccompProfile { r#type: Text, localhost_profile: Text, }

    /// A volume of a pod.
    Volume {
        name: Text,
        config_map: Option<Box<ConfigMapVolume>>,
        secret: Option<Box<SecretVolume>>,
        persistent_volume_claim: Option<Box<ClaimVolume>>,
        empty_dir: Option<Box<EmptyDir>>,
        host_path: Option<Box<HostPath>>,
        projected: Option<Box<Projected>>,
        nfs: Option<Box<Nfs>>,
        csi: Option<Box<CsiVolume>>,
        ephemeral: Option<Box<EphemeralVolume>>,
    }
    /// A ConfigMap as files.
    ConfigMapVolume { name: Text, items: Box<[KeyToPath]>, optional: bool, default_mode: Option<i64>, }
    /// A Secret as files.
    SecretVolume { secret_name: Text, items: Box<[KeyToPath]>, optional: bool, default_mode: Option<i64>, }
    /// A key mapped to a file.
    KeyToPath { key: Text, path: Text, }
    /// A PersistentVolumeClaim as a directory.
    ClaimVolume { claim_name: Text, read_only: bool, }
    /// Scratch space.
    EmptyDir { medium: Text, size_limit: Text, }
    /// A path of the node.
    HostPath { path: Text, r#type: Text, }
    /// Several sources in one directory.
    Projected { sources: Box<[ProjectedSource]>, }
    /// One source of a projected volume.
    ProjectedSource { config_map: Option<ConfigMapVolume>, secret: Option<ProjectedSecret>, service_account_token: Option<TokenProjection>, }
    /// A projected Secret.
    ProjectedSecret { name: Text, items: Box<[KeyToPath]>, optional: bool, }
    /// A projected service account token.
    TokenProjection { audience: Text, path: Text, }
    /// An NFS export.
    Nfs { server: Text, path: Text, }
    /// An inline CSI volume.
    CsiVolume { driver: Text, }
    /// A claim made for the pod.
    EphemeralVolume { volume_claim_template: super::ClaimTemplate, }

    /// Affinity rules.
    Affinity { node_affinity: NodeAffinity, pod_affinity: PodAffinity, pod_anti_affinity: PodAffinity, }
    /// Rules over node labels; only the required ones can keep a pod pending.
    NodeAffinity { required_during_scheduling_ignored_during_execution: NodeSelector, }
    /// Alternatives of node terms.
    NodeSelector { node_selector_terms: Box<[NodeSelectorTerm]>, }
    /// Requirements that must hold together.
    NodeSelectorTerm { match_expressions: Box<[Requirement]>, match_fields: Box<[Requirement]>, }
    /// `key operator values`.
    Requirement { key: Text, operator: Text, values: Box<[Text]>, }
    /// Rules over pods near by.
    PodAffinity { required_during_scheduling_ignored_during_execution: Box<[PodAffinityTerm]>, }
    /// One rule over pods of a topology domain.
    PodAffinityTerm { label_selector: Option<LabelSelector>, topology_key: Text, namespaces: Box<[Text]>, namespace_selector: Option<LabelSelector>, }
    /// `matchLabels` and `matchExpressions`.
    LabelSelector { match_labels: Map<Text>, match_expressions: Box<[Requirement]>, }
    /// A taint the pod bears.
    Toleration { key: Text, operator: Text, value: Text, effect: Text, toleration_seconds: Option<i64>, }
    /// Spread of pods over domains.
    TopologySpreadConstraint { max_skew: i64, topology_key: Text, when_unsatisfiable: Text, label_selector: Option<LabelSelector>, min_domains: Option<i64>, }

    /// `status` of a pod.
    PodStatus {
        phase: Text,
        reason: Text,
        message: Text,
        conditions: Box<[Condition]>,
        #[serde(rename = "podIP")]
        pod_ip: Text,
        #[serde(rename = "hostIP")]
        host_ip: Text,
        nominated_node_name: Text,
        start_time: Time,
        container_statuses: Box<[ContainerStatus]>,
        init_container_statuses: Box<[ContainerStatus]>,
        resize: Text,
    }

    /// State of one container.
    ContainerStatus {
        name: Text,
        image: Text,
        #[serde(rename = "imageID")]
        image_id: Text,
        ready: bool,
        started: Option<bool>,
        restart_count: i64,
        state: ContainerState,
        last_state: ContainerState,
    }
    /// Waiting, running or terminated.
    ContainerState { waiting: Option<Box<Waiting>>, running: Option<Running>, terminated: Option<Box<Terminated>>, }
    /// Why a container waits.
    Waiting { reason: Text, message: Text, }
    /// Since when a container runs.
    Running { started_at: Time, }
    /// How a container ended.
    Terminated { exit_code: i64, signal: i64, reason: Text, message: Text, started_at: Time, finished_at: Time, }
}

object!(Pod = Pod);

impl Probe {
    /// Seconds between two probes.
    pub fn period(&self) -> i64 {
        if self.period_seconds > 0 { self.period_seconds } else { 10 }
    }
    /// Seconds after which one probe fails.
    pub fn timeout(&self) -> i64 {
        if self.timeout_seconds > 0 { self.timeout_seconds } else { 1 }
    }
    /// Failures in a row that count as failed.
    pub fn failures(&self) -> i64 {
        if self.failure_threshold > 0 { self.failure_threshold } else { 3 }
    }
    /// Seconds after the start in which a process that does not answer is let be.
    pub fn patience(&self) -> i64 {
        self.initial_delay_seconds + self.period() * self.failures()
    }
    /// The probed port, where the probe has one.
    pub fn port(&self) -> Option<&IntOrString> {
        self.http_get
            .as_ref()
            .map(|get| &get.port)
            .or(self.tcp_socket.as_ref().map(|tcp| &tcp.port))
            .or(self.grpc.as_ref().map(|grpc| &grpc.port))
    }
}

impl PodSpec {
    /// Init containers, then containers.
    pub fn all_containers(&self) -> impl Iterator<Item = &Container> {
        self.init_containers.iter().chain(&self.containers)
    }
    /// The service account's name, with Kubernetes' default.
    pub fn service_account(&self) -> &str {
        if self.service_account_name.is_empty() { "default" } else { &self.service_account_name }
    }
}

impl PodStatus {
    /// Statuses of init containers, then of containers.
    pub fn all_containers(&self) -> impl Iterator<Item = &ContainerStatus> {
        self.init_container_statuses.iter().chain(&self.container_statuses)
    }
}

impl Pod {
    /// Whether the pod's Ready condition is true.
    pub fn is_ready(&self) -> bool {
        super::meta::condition(&self.status.conditions, "Ready").is_some_and(Condition::is_true)
    }
    /// Whether the pod has ended for good.
    pub fn is_finished(&self) -> bool {
        matches!(self.status.phase.as_str(), "Succeeded" | "Failed")
    }
    /// Whether deletion was asked for.
    pub fn is_deleting(&self) -> bool {
        self.metadata.deletion_timestamp.is_some()
    }
}
