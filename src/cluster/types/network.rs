//! Services, endpoints, ingresses and network policies.

use super::{Condition, IntOrString, LabelSelector, Map, Meta, Text, object, slim};

slim! {
    /// A Service.
    Service { metadata: Meta, spec: ServiceSpec, status: ServiceStatus, }
    /// `spec` of a Service.
    ServiceSpec {
        r#type: Text,
        #[serde(rename = "clusterIP")]
        cluster_ip: Text,
        selector: Map<Text>,
        ports: Box<[ServicePort]>,
        external_name: Text,
        #[serde(rename = "externalIPs")]
        external_ips: Box<[Text]>,
        external_traffic_policy: Text,
        internal_traffic_policy: Text,
        publish_not_ready_addresses: bool,
        session_affinity: Text,
        ip_family_policy: Text,
        ip_families: Box<[Text]>,
    }
    /// A port of a Service.
    ServicePort {
        name: Text,
        port: i64,
        target_port: Option<IntOrString>,
        protocol: Text,
        app_protocol: Text,
        node_port: i64,
    }
    /// `status` of a Service.
    ServiceStatus { load_balancer: LoadBalancer, conditions: Box<[Condition]>, }
    /// Addresses a load balancer gave out.
    LoadBalancer { ingress: Box<[LoadBalancerIngress]>, }
    /// One address of a load balancer.
    LoadBalancerIngress { ip: Text, hostname: Text, }

    /// An EndpointSlice; `Endpoints` objects are read into the same shape.
    EndpointSlice { metadata: Meta, endpoints: Box<[Endpoint]>, ports: Box<[EndpointPort]>, address_type: Text, }
    /// One address behind a Service.
    Endpoint { addresses: Box<[Text]>, conditions: EndpointConditions, node_name: Text, target_ref: TargetRef, zone: Text, }
    /// Whether an endpoint takes traffic; null means yes.
    EndpointConditions { ready: Option<bool>, serving: Option<bool>, terminating: Option<bool>, }
    /// The object behind an endpoint.
    TargetRef { kind: Text, namespace: Text, name: Text, }
    /// A port of an EndpointSlice.
    EndpointPort { name: Text, port: Option<i64>, protocol: Text, app_protocol: Text, }

    /// The older Endpoints object.
    Endpoints { metadata: Meta, subsets: Box<[EndpointSubset]>, }
    /// Addresses that share ports.
    EndpointSubset { addresses: Box<[EndpointAddress]>, not_ready_addresses: Box<[EndpointAddress]>, ports: Box<[EndpointPort]>, }
    /// One address of an Endpoints object.
    EndpointAddress { ip: Text, node_name: Text, target_ref: TargetRef, }

    /// An Ingress.
    Ingress { metadata: Meta, spec: IngressSpec, status: IngressStatus, }
    /// `spec` of an Ingress.
    IngressSpec { ingress_class_name: Text, default_backend: Option<IngressBackend>, rules: Box<[IngressRule]>, tls: Box<[IngressTls]>, }
    /// Routes of one host.
    IngressRule { host: Text, http: IngressPaths, }
    /// Paths of a host.
    IngressPaths { paths: Box<[IngressPath]>, }
    /// One path and what serves it.
    IngressPath { path: Text, path_type: Text, backend: IngressBackend, }
    /// Where an Ingress sends requests.
    IngressBackend { service: Option<IngressService>, resource: Option<super::TypedReference>, }
    /// The Service and port behind a path.
    IngressService { name: Text, port: IngressServicePort, }
    /// A port by number or by name.
    IngressServicePort { number: i64, name: Text, }
    /// TLS of some hosts.
    IngressTls { hosts: Box<[Text]>, secret_name: Text, }
    /// `status` of an Ingress.
    IngressStatus { load_balancer: LoadBalancer, }

    /// An IngressClass.
    IngressClass { metadata: Meta, spec: IngressClassSpec, }
    /// `spec` of an IngressClass.
    IngressClassSpec { controller: Text, }

    /// A NetworkPolicy.
    NetworkPolicy { metadata: Meta, spec: NetworkPolicySpec, }
    /// `spec` of a NetworkPolicy.
    NetworkPolicySpec {
        pod_selector: LabelSelector,
        policy_types: Box<[Text]>,
        ingress: Box<[NetworkPolicyRule]>,
        egress: Box<[NetworkPolicyRule]>,
    }
    /// One rule; `from` and `to` are kept apart because either may be empty.
    NetworkPolicyRule { from: Box<[NetworkPolicyPeer]>, to: Box<[NetworkPolicyPeer]>, ports: Box<[NetworkPolicyPort]>, }
    /// Who is admitted.
    NetworkPolicyPeer { pod_selector: Option<LabelSelector>, namespace_selector: Option<LabelSelector>, ip_block: Option<IpBlock>, }
    /// A range of addresses.
    IpBlock { cidr: Text, except: Box<[Text]>, }
    /// Which ports are admitted.
    NetworkPolicyPort { port: Option<IntOrString>, end_port: Option<i64>, protocol: Text, }
}

object!(
    Service = Service,
    EndpointSlice = EndpointSlice,
    Ingress = Ingress,
    IngressClass = IngressClass,
    NetworkPolicy = NetworkPolicy
);

impl Endpoint {
    /// Whether the endpoint takes traffic; unset counts as ready.
    pub fn is_ready(&self) -> bool {
        self.conditions.ready.unwrap_or(true)
    }
}

impl Endpoints {
    /// The same addresses as EndpointSlices, one per subset.
    pub fn into_slices(self) -> Vec<EndpointSlice> {
        let Self { metadata, subsets } = self;
        let slice = |endpoints: Box<[Endpoint]>, ports: Box<[EndpointPort]>| {
            let mut metadata = metadata.clone();
            metadata.labels = metadata.labels.with("kubernetes.io/service-name", metadata.name.clone());
            EndpointSlice { metadata, endpoints, ports, address_type: "IPv4".into() }
        };
        if subsets.is_empty() {
            return vec![slice(Box::default(), Box::default())];
        }
        subsets
            .into_iter()
            .map(|subset| {
                let endpoint = |address: EndpointAddress, ready: bool| Endpoint {
                    addresses: [address.ip].into(),
                    conditions: EndpointConditions { ready: Some(ready), ..Default::default() },
                    node_name: address.node_name,
                    target_ref: address.target_ref,
                    zone: Text::default(),
                };
                let ready = subset.addresses.into_iter().map(|address| endpoint(address, true));
                let not_ready =
                    subset.not_ready_addresses.into_iter().map(|address| endpoint(address, false));
                slice(ready.chain(not_ready).collect(), subset.ports)
            })
            .collect()
    }
}
