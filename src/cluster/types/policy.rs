//! Quotas, limits, autoscalers, disruption budgets, priorities, webhooks and RBAC.

use super::{Condition, LabelSelector, Meta, Text, Time, object, slim};
use crate::cluster::quantity::ResourceList;

slim! {
    /// A ResourceQuota.
    ResourceQuota { metadata: Meta, spec: ResourceQuotaSpec, status: ResourceQuotaStatus, }
    /// `spec` of a quota.
    ResourceQuotaSpec { hard: ResourceList, scopes: Box<[Text]>, }
    /// `status` of a quota.
    ResourceQuotaStatus { hard: ResourceList, used: ResourceList, }

    /// A LimitRange.
    LimitRange { metadata: Meta, spec: LimitRangeSpec, }
    /// `spec` of a LimitRange.
    LimitRangeSpec { limits: Box<[LimitRangeItem]>, }
    /// Limits of one type of object.
    LimitRangeItem { r#type: Text, max: ResourceList, min: ResourceList, default: ResourceList, default_request: ResourceList, max_limit_request_ratio: ResourceList, }

    /// A HorizontalPodAutoscaler.
    HorizontalPodAutoscaler { metadata: Meta, spec: HorizontalPodAutoscalerSpec, status: HorizontalPodAutoscalerStatus, }
    /// `spec` of an autoscaler.
    HorizontalPodAutoscalerSpec { scale_target_ref: super::TypedReference, min_replicas: Option<i64>, max_replicas: i64, metrics: Box<[MetricSpec]>, }
    /// What an autoscaler looks at.
    MetricSpec { r#type: Text, resource: Option<ResourceMetric>, container_resource: Option<ResourceMetric>, }
    /// A resource metric.
    ResourceMetric { name: Text, target: MetricTarget, current: MetricTarget, }
    /// A metric's target or current value.
    MetricTarget { r#type: Text, average_utilization: Option<i64>, average_value: Text, value: Text, }
    /// `status` of an autoscaler.
    HorizontalPodAutoscalerStatus { current_replicas: i64, desired_replicas: i64, current_metrics: Box<[MetricSpec]>, last_scale_time: Time, conditions: Box<[Condition]>, }

    /// A PodDisruptionBudget.
    PodDisruptionBudget { metadata: Meta, spec: PodDisruptionBudgetSpec, status: PodDisruptionBudgetStatus, }
    /// `spec` of a budget.
    PodDisruptionBudgetSpec { selector: Option<LabelSelector>, min_available: Option<super::IntOrString>, max_unavailable: Option<super::IntOrString>, unhealthy_pod_eviction_policy: Text, }
    /// `status` of a budget.
    PodDisruptionBudgetStatus { disruptions_allowed: i64, current_healthy: i64, desired_healthy: i64, expected_pods: i64, conditions: Box<[Condition]>, }

    /// A PriorityClass.
    PriorityClass { metadata: Meta, value: i64, global_default: bool, preemption_policy: Text, }
    /// A RuntimeClass.
    RuntimeClass { metadata: Meta, handler: Text, }

    /// A validating or mutating webhook configuration, without its kind.
    WebhookBody { metadata: Meta, webhooks: Box<[Webhook]>, }
    /// One webhook.
    Webhook {
        name: Text,
        client_config: WebhookClientConfig,
        failure_policy: Text,
        timeout_seconds: Option<i64>,
        rules: Box<[WebhookRule]>,
        namespace_selector: LabelSelector,
        object_selector: LabelSelector,
    }
    /// What a webhook is asked about.
    WebhookRule { api_groups: Box<[Text]>, resources: Box<[Text]>, operations: Box<[Text]>, }
    /// Where a webhook or an aggregated API listens.
    WebhookClientConfig { url: Text, service: Option<ServiceReference>, }
    /// A Service of the cluster.
    ServiceReference { namespace: Text, name: Text, path: Text, port: Option<i64>, }

    /// An APIService.
    ApiService { metadata: Meta, spec: ApiServiceSpec, status: ConditionStatus, }
    /// `spec` of an APIService.
    ApiServiceSpec { group: Text, version: Text, service: Option<ServiceReference>, }
    /// A status that is only conditions.
    ConditionStatus { conditions: Box<[Condition]>, }
    /// A CustomResourceDefinition.
    CustomResourceDefinition { metadata: Meta, status: ConditionStatus, }

    /// A Role or ClusterRole, without its kind.
    RoleBody { metadata: Meta, rules: Box<[PolicyRule]>, }
    /// What a role allows.
    PolicyRule { verbs: Box<[Text]>, api_groups: Box<[Text]>, resources: Box<[Text]>, resource_names: Box<[Text]>, }
    /// A RoleBinding or ClusterRoleBinding, without its kind.
    BindingBody { metadata: Meta, role_ref: super::TypedReference, subjects: Box<[Subject]>, }
    /// Who is bound.
    Subject { kind: Text, name: Text, namespace: Text, }
}

object!(
    ResourceQuota = ResourceQuota,
    LimitRange = LimitRange,
    HorizontalPodAutoscaler = HorizontalPodAutoscaler,
    PodDisruptionBudget = PodDisruptionBudget,
    PriorityClass = PriorityClass,
    RuntimeClass = RuntimeClass,
    ApiService = ApiService,
    CustomResourceDefinition = CustomResourceDefinition,
);

/// Declares a type of two kinds that share one body.
macro_rules! of_two_kinds {
    ($(#[$meta:meta])* $name:ident($body:ident)) => {
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq, serde::Serialize)]
        pub struct $name {
            /// Which of the two kinds this is.
            pub kind: crate::cluster::Kind,
            /// The rest of the object.
            #[serde(flatten)]
            pub body: $body,
        }

        impl $name {
            /// Gives a decoded body its kind.
            pub fn new(kind: crate::cluster::Kind, body: $body) -> Self {
                Self { kind, body }
            }
        }

        impl super::Object for $name {
            fn meta(&self) -> &Meta {
                &self.body.metadata
            }
            fn kind(&self) -> crate::cluster::Kind {
                self.kind.clone()
            }
        }
    };
}

of_two_kinds!(
    /// A validating or mutating webhook configuration.
    WebhookConfiguration(WebhookBody)
);
of_two_kinds!(
    /// A Role or ClusterRole.
    Role(RoleBody)
);
of_two_kinds!(
    /// A RoleBinding or ClusterRoleBinding.
    RoleBinding(BindingBody)
);
