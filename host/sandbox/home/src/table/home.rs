//! The apps of the household, in the namespace `default`.

use super::{config, template};
use crate::app::{
    App,
    Controller::{CronJob, Deployments, StatefulSet},
};

pub(super) fn apps() -> Vec<App> {
    vec![
        template(
            "default",
            "actual",
            "ghcr.io/actualbudget/actual:25.12.0",
            5006,
        )
        .backed_up("2Gi", "1Gi"),
        template(
            "default",
            "actual-tools",
            "ghcr.io/seriouslag/actual-auto-sync:1.2.3",
            0,
        )
        .released_as("actual-auto-sync")
        .run_by(Deployments(&[("actual-tools", 1)]))
        .after(&["default/actual"]),
        template("default", "atuin", "ghcr.io/atuinsh/atuin:18.10.0", 8888).backed_up("1Gi", "1Gi"),
        template(
            "default",
            "home-assistant",
            "ghcr.io/home-operations/home-assistant:2025.12.3",
            8123,
        )
        .backed_up_to("-b2", "0 */6 * * *", "10Gi", "5Gi"),
        template(
            "default",
            "karakeep",
            "ghcr.io/karakeep-app/karakeep:0.29.1",
            3000,
        )
        .backed_up("10Gi", "1Gi"),
        template(
            "default",
            "mealie",
            "ghcr.io/mealie-recipes/mealie:v3.8.0",
            9000,
        )
        .backed_up("5Gi", "1Gi"),
        template(
            "default",
            "paperless",
            "ghcr.io/paperless-ngx/paperless-ngx:2.20.3",
            8000,
        )
        .backed_up_to("-b2", "0 */6 * * *", "20Gi", "5Gi"),
        template(
            "default",
            "vaultwarden",
            "ghcr.io/dani-garcia/vaultwarden:1.34.3",
            8080,
        )
        .backed_up_to("-b2", "0 */4 * * *", "1Gi", "1Gi"),
        template(
            "default",
            "zigbee2mqtt",
            "ghcr.io/koenkk/zigbee2mqtt:2.7.1",
            8080,
        )
        .run_by(StatefulSet)
        .backed_up("1Gi", "1Gi"),
        template(
            "default",
            "authentik",
            "ghcr.io/goauthentik/server:2025.10.3",
            9000,
        )
        .run_by(Deployments(&[
            ("authentik-server", 2),
            ("authentik-worker", 1),
        ]))
        .after(&["database/cnpg-pgsql-cluster", "database/dragonfly-cluster"]),
        config("default", "authentik-outposts").after(&["default/authentik"]),
        template(
            "default",
            "guacamole",
            "docker.io/guacamole/guacamole:1.6.0",
            8080,
        )
        .after(&["default/guacamole-guacd"]),
        template(
            "default",
            "guacamole-guacd",
            "docker.io/guacamole/guacd:1.6.0",
            4822,
        )
        .released_as("guacd")
        .run_by(Deployments(&[("guacamole-guacd", 1)])),
        template(
            "default",
            "homepage",
            "ghcr.io/gethomepage/homepage:v1.8.0",
            3000,
        ),
        template(
            "default",
            "it-tools",
            "ghcr.io/sharevb/it-tools:2025.11.26",
            8080,
        ),
        template("default", "n8n", "ghcr.io/n8n-io/n8n:2.0.3", 5678)
            .after(&["database/cnpg-pgsql-cluster"]),
        template(
            "default",
            "ntfy",
            "docker.io/binwiederhier/ntfy:v2.15.0",
            80,
        ),
        template("default", "rclone", "docker.io/rclone/rclone:1.72.1", 0)
            .run_by(CronJob("0 3 * * *")),
        template(
            "default",
            "searxng",
            "docker.io/searxng/searxng:2025.12.19",
            8080,
        ),
    ]
}
