//! Policies of AWS' own that are in every account.

use super::model::{name_of, path_of};
use crate::ids::id_of;

/// A policy of AWS'.
#[derive(Debug)]
pub(super) struct AwsManaged {
    pub(super) arn: &'static str,
    pub(super) document: &'static str,
}

/// Shown as the day of creation of all of them.
pub(super) const CREATED: &str = "2015-02-06T18:40:11Z";

/// Source: AWS Managed Policy Reference Guide.
/// Differs: AWS has more than a thousand of them, each at its own version; here are those of deployments, each with one version.
pub(super) const ALL: [AwsManaged; 6] = [
    AwsManaged {
        arn: "arn:aws:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy",
        document: r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["ecr:GetAuthorizationToken","ecr:BatchCheckLayerAvailability","ecr:GetDownloadUrlForLayer","ecr:BatchGetImage","logs:CreateLogStream","logs:PutLogEvents"],"Resource":"*"}]}"#,
    },
    AwsManaged {
        arn: "arn:aws:iam::aws:policy/AdministratorAccess",
        document: r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}"#,
    },
    AwsManaged {
        arn: "arn:aws:iam::aws:policy/PowerUserAccess",
        document: r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","NotAction":["iam:*","organizations:*","account:*"],"Resource":"*"},{"Effect":"Allow","Action":["account:GetAccountInformation","account:GetPrimaryEmail","account:ListRegions","iam:CreateServiceLinkedRole","iam:DeleteServiceLinkedRole","iam:ListRoles","organizations:DescribeEffectivePolicy","organizations:DescribeOrganization"],"Resource":"*"}]}"#,
    },
    AwsManaged {
        arn: "arn:aws:iam::aws:policy/AmazonEC2ContainerRegistryReadOnly",
        document: r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["ecr:GetAuthorizationToken","ecr:BatchCheckLayerAvailability","ecr:GetDownloadUrlForLayer","ecr:GetRepositoryPolicy","ecr:DescribeRepositories","ecr:ListImages","ecr:DescribeImages","ecr:BatchGetImage","ecr:GetLifecyclePolicy","ecr:GetLifecyclePolicyPreview","ecr:ListTagsForResource","ecr:DescribeImageScanFindings"],"Resource":"*"}]}"#,
    },
    AwsManaged {
        arn: "arn:aws:iam::aws:policy/AmazonEC2ContainerRegistryPowerUser",
        document: r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["ecr:GetAuthorizationToken","ecr:BatchCheckLayerAvailability","ecr:GetDownloadUrlForLayer","ecr:GetRepositoryPolicy","ecr:DescribeRepositories","ecr:ListImages","ecr:DescribeImages","ecr:BatchGetImage","ecr:GetLifecyclePolicy","ecr:GetLifecyclePolicyPreview","ecr:ListTagsForResource","ecr:DescribeImageScanFindings","ecr:InitiateLayerUpload","ecr:UploadLayerPart","ecr:CompleteLayerUpload","ecr:PutImage"],"Resource":"*"}]}"#,
    },
    AwsManaged {
        arn: "arn:aws:iam::aws:policy/AmazonEC2ContainerRegistryFullAccess",
        document: r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["ecr:*","cloudtrail:LookupEvents"],"Resource":"*"},{"Effect":"Allow","Action":["iam:CreateServiceLinkedRole"],"Resource":"*","Condition":{"StringEquals":{"iam:AWSServiceName":["replication.ecr.amazonaws.com"]}}}]}"#,
    },
];

/// The policy of that ARN.
pub(super) fn find(arn: &str) -> Option<&'static AwsManaged> {
    ALL.iter().find(|it| it.arn == arn)
}

impl AwsManaged {
    pub(super) fn name(&self) -> &'static str {
        name_of(self.arn)
    }

    /// `/`, or as `/service-role/`.
    pub(super) fn path(&self) -> &'static str {
        path_of(self.arn)
    }

    /// The same in every account.
    pub(super) fn id(&self) -> String {
        id_of("ANPA", self.arn)
    }
}

#[cfg(test)]
mod tests {
    use super::{ALL, find};
    use crate::iam::policy::{Kind, Policy};

    #[test]
    fn all_are_policies() {
        for policy in &ALL {
            Policy::parse(policy.document, Kind::Identity).unwrap_or_else(|err| panic!("{}: {err}", policy.arn));
        }
        let execution = find("arn:aws:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy").unwrap();
        assert_eq!((execution.name(), execution.path()), ("AmazonECSTaskExecutionRolePolicy", "/service-role/"));
        assert_eq!(ALL[1].path(), "/");
    }
}
