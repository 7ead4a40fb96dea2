//! The tags of what a request is about.

use indexmap::IndexMap;
use serde_json::Value;

use super::arn;
use super::policy::Context;
use crate::account::Account;

impl Account {
    /// Sets `aws:ResourceTag/…` of the resource with that ARN.
    ///
    /// Differs: only users, roles and policies of IAM and task definitions have tags that conditions see.
    pub(super) fn set_resource_tags(&self, region: &str, resource: &str, context: &mut Context) {
        for (key, value) in self.tags_of(region, resource) {
            context.set(&format!("aws:ResourceTag/{key}"), value);
        }
    }

    fn tags_of(&self, region: &str, resource: &str) -> IndexMap<String, String> {
        if resource.starts_with("arn:aws:iam:") {
            let id = self.account_id();
            let name = resource.rsplit('/').next().unwrap_or_default();
            return self.read_iam(|iam| {
                let user =
                    iam.users.get(name).filter(|it| arn(id, "user", &it.path, name) == resource).map(|it| &it.tags);
                let role = iam.role(id, resource).map(|(_, role)| &role.tags);
                let policy = iam.policies.get(resource).map(|it| &it.tags);
                user.or(role).or(policy).cloned().unwrap_or_default()
            });
        }
        if !resource.contains(":task-definition/") {
            return IndexMap::new();
        }
        self.read(region, |region| {
            let tags = region.ecs.task_definition(resource).map(|it| it.tags.as_slice()).unwrap_or_default();
            let text = |tag: &Value, member: &str| Some(tag.get(member)?.as_str()?.to_owned());
            tags.iter().filter_map(|tag| Some((text(tag, "key")?, text(tag, "value")?))).collect()
        })
    }
}
