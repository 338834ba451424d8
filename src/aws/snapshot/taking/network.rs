use aws_sdk_ec2::error::{ProvideErrorMetadata, SdkError};
use aws_smithy_async::future::pagination_stream::PaginationStream;

use super::{Reason, Taken, Taking, WritingError, calls};

/// The greatest page of most calls.
const PAGE: i32 = 1000;

/// The greatest page of `DescribeRouteTables` and `DescribeManagedPrefixLists`.
const SHORT_PAGE: i32 = 100;

impl Taking<'_> {
    /// What EC2 knows.
    pub(super) async fn network(&self, taken: &mut Taken) -> Result<(), WritingError> {
        let pages = self.ec2.describe_security_groups().max_results(PAGE).into_paginator().send();
        self.all("DescribeSecurityGroups", pages, |page| page.next_token, taken).await?;
        let pages = self.ec2.describe_security_group_rules().max_results(PAGE).into_paginator().send();
        self.all("DescribeSecurityGroupRules", pages, |page| page.next_token, taken).await?;
        // Those too that AWS services manage: they carry groups like others.
        let interfaces = self.ec2.describe_network_interfaces().include_managed_resources(true);
        let pages = interfaces.max_results(PAGE).into_paginator().send();
        self.all("DescribeNetworkInterfaces", pages, |page| page.next_token, taken).await?;
        let pages = self.ec2.describe_instances().max_results(PAGE).into_paginator().send();
        self.all("DescribeInstances", pages, |page| page.next_token, taken).await?;
        let pages = self.ec2.describe_subnets().max_results(PAGE).into_paginator().send();
        self.all("DescribeSubnets", pages, |page| page.next_token, taken).await?;
        let pages = self.ec2.describe_vpcs().max_results(PAGE).into_paginator().send();
        self.all("DescribeVpcs", pages, |page| page.next_token, taken).await?;
        let pages = self.ec2.describe_network_acls().max_results(PAGE).into_paginator().send();
        self.all("DescribeNetworkAcls", pages, |page| page.next_token, taken).await?;
        let pages = self.ec2.describe_route_tables().max_results(SHORT_PAGE).into_paginator().send();
        self.all("DescribeRouteTables", pages, |page| page.next_token, taken).await?;
        let pages = self.ec2.describe_managed_prefix_lists().max_results(SHORT_PAGE).into_paginator().send();
        self.all("DescribeManagedPrefixLists", pages, |page| page.next_token, taken).await
    }

    async fn all<P, E>(
        &self,
        action: &'static str,
        pages: PaginationStream<Result<P, SdkError<E>>>,
        next: impl Fn(P) -> Option<String>,
        taken: &mut Taken,
    ) -> Result<(), WritingError>
    where
        E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
    {
        let Some(call) = calls::named(calls::Service::Ec2, action) else { return Ok(()) };
        self.tell(call, 0, 1);
        let items = self.pages(call, pages, next).await.map_err(Reason::Failed);
        self.keep(call, items, taken).map(drop)
    }
}
