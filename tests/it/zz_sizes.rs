use sre_orch::cluster::types::*;
#[test]
fn sizes() {
    macro_rules! s { ($($t:ty),*) => { $( println!("{:>6} {}", std::mem::size_of::<$t>(), stringify!($t)); )* } }
    s!(
        Pod,
        PodSpec,
        PodTemplate,
        Container,
        Meta,
        Probe,
        Workload,
        WorkloadSpec,
        Service,
        EndpointSlice,
        ConfigMap,
        Secret,
        ServiceAccount,
        sre_orch::cluster::types::ManagedFields,
        Condition,
        Volume,
        ContainerStatus,
        ContainerState,
        sre_orch::cluster::event::Event,
        EnvVar,
        sre_orch::cluster::types::Endpoint
    );
}
