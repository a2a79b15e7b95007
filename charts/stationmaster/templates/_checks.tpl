{{/* Combinations that cannot work end here, each with a sentence: what is wrong, what to do. */}}
{{- define "stationmaster.checks" -}}
{{- $v := .Values -}}
{{- if and $v.dev.postgres.enabled $v.database.existingSecret -}}
{{- fail "database.existingSecret names a database of yours while dev.postgres.enabled brings one: set only one of the two." -}}
{{- end -}}
{{- if and $v.airflow.enabled (not $v.dev.postgres.enabled) (not $v.database.existingSecret) -}}
{{- fail "Airflow needs a database: name a Secret with the keys airflow, catalog and ledger in database.existingSecret, or set dev.postgres.enabled=true on a cluster for development." -}}
{{- end -}}
{{- if and $v.dev.seaweedfs.enabled (or $v.storage.existingSecret $v.storage.endpoint) -}}
{{- fail "storage.endpoint or storage.existingSecret name an object store of yours while dev.seaweedfs.enabled brings one: set only one of the two." -}}
{{- end -}}
{{- if and (not $v.dev.postgres.enabled) (not $v.steps.existingSecret) -}}
{{- fail (printf "Steps need STATIONMASTER_CATALOG_URI: make a Secret with it in the namespace %s and name it in steps.existingSecret." $v.steps.namespace) -}}
{{- end -}}
{{- if and $v.dev.postgres.enabled $v.steps.existingSecret -}}
{{- fail "steps.existingSecret names a Secret of yours while dev.postgres.enabled lets the chart write one: set only one of the two." -}}
{{- end -}}
{{- if and $v.dev.sources.enabled (not $v.dev.seaweedfs.enabled) -}}
{{- fail "dev.sources.enabled writes into the dev object store, which is off: set dev.seaweedfs.enabled=true, or let your own systems deliver." -}}
{{- end -}}
{{- if and $v.dev.sources.enabled $v.steps.supportApiUrl -}}
{{- fail "steps.supportApiUrl names a support API of yours while dev.sources.enabled brings one: set only one of the two." -}}
{{- end -}}
{{- if eq $v.steps.namespace .Release.Namespace -}}
{{- fail (printf "Steps must not share the platform's namespace %s, where its secrets are: give steps.namespace another name." .Release.Namespace) -}}
{{- end -}}
{{- if and $v.priorityClasses.enabled (le (int $v.priorityClasses.urgent) (int $v.priorityClasses.step)) -}}
{{- fail (printf "priorityClasses.urgent is %d and step %d: urgent steps would wait behind the others. Give urgent the larger number." (int $v.priorityClasses.urgent) (int $v.priorityClasses.step)) -}}
{{- end -}}
{{- if and $v.maintenance.enabled (not (hasKey $v.jobs $v.maintenance.job)) -}}
{{- fail (printf "maintenance.job is %q, which is not in jobs: add it there, or set maintenance.enabled=false." $v.maintenance.job) -}}
{{- end -}}
{{- if and $v.backup.enabled (not $v.dev.postgres.enabled) (not $v.database.existingSecret) -}}
{{- fail "backup.enabled without a database: name it in database.existingSecret, or set backup.enabled=false." -}}
{{- end -}}
{{- if and (not $v.airflow.enabled) $v.airflow.pools -}}
{{- fail "airflow.pools are pools of the chart's Airflow, and airflow.enabled=false: write them into a file for yours, run `stationmaster pools apply FILE` there, and set STATIONMASTER_POOLS_FILE." -}}
{{- end -}}
{{- include "stationmaster.monitorChecks" . -}}
{{- if $v.airflow.enabled -}}
{{- include "stationmaster.airflowChecks" . -}}
{{- else if not $v.steps.launchers -}}
{{- fail "airflow.enabled=false: name the ServiceAccount that your Airflow's scheduler runs as in steps.launchers, or nobody may start a step." -}}
{{- end -}}
{{- end -}}

{{- define "stationmaster.airflowChecks" -}}
{{- $airflow := .Values.airflow -}}
{{- if and $airflow.ingress.enabled (not $airflow.ingress.host) -}}
{{- fail "airflow.ingress.enabled needs airflow.ingress.host: the name under which people reach Airflow." -}}
{{- end -}}
{{- if and $airflow.ingress.enabled (not $airflow.ingress.tlsSecret) -}}
{{- fail "airflow.ingress.enabled needs airflow.ingress.tlsSecret: passwords do not travel in the clear." -}}
{{- end -}}
{{- if and $airflow.metrics.exporter.enabled $airflow.metrics.statsd.host -}}
{{- fail "airflow.metrics.statsd.host names a statsd server of yours while airflow.metrics.exporter.enabled brings one: set only one of the two." -}}
{{- end -}}
{{- if and $airflow.metrics.otel.traces (not $airflow.metrics.otel.endpoint) -}}
{{- fail "airflow.metrics.otel.traces needs airflow.metrics.otel.endpoint: where spans go, such as http://collector.monitoring:4318." -}}
{{- end -}}
{{- with $airflow.login -}}
{{- if and .oidc.enabled .webserverConfig -}}
{{- fail "airflow.login.webserverConfig replaces what airflow.login.oidc writes: set only one of the two." -}}
{{- end -}}
{{- if and .oidc.enabled (not (and .oidc.issuer .oidc.clientId .oidc.existingSecret)) -}}
{{- fail "airflow.login.oidc.enabled needs issuer, clientId and existingSecret (a Secret with the key client-secret)." -}}
{{- end -}}
{{- if and .oidc.enabled (eq .oidc.defaultRole "Admin") -}}
{{- fail "airflow.login.oidc.defaultRole=Admin would make everybody an administrator: give a group that role in groupRoles." -}}
{{- end -}}
{{- if not (or .users .oidc.enabled .webserverConfig) -}}
{{- fail "airflow.login.users is empty and airflow.login.oidc.enabled=false: nobody could log in. Name a user, or turn OIDC on." -}}
{{- end -}}
{{- if regexMatch "(?m)^\\s*AUTH_ROLE_PUBLIC\\s*=" .webserverConfig -}}
{{- fail "airflow.login.webserverConfig sets AUTH_ROLE_PUBLIC, which lets everybody in without a login: remove it." -}}
{{- end -}}
{{- end -}}
{{- range tuple "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS" "AIRFLOW__FAB__AUTH_ROLE_PUBLIC" "AIRFLOW__CORE__AUTH_MANAGER" -}}
{{- if hasKey $airflow.config . -}}
{{- fail (printf "airflow.config.%s would change who may do what: the chart's login is airflow.login." .) -}}
{{- end -}}
{{- end -}}
{{- range $key, $value := dict "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN" "database.existingSecret" "AIRFLOW__CORE__FERNET_KEY" "airflow.keys.existingSecret" "AIRFLOW__API_AUTH__JWT_SECRET" "airflow.keys.existingSecret" "AIRFLOW__API__SECRET_KEY" "airflow.keys.existingSecret" -}}
{{- if or (hasKey $airflow.config $key) (hasKey $airflow.environment $key) -}}
{{- fail (printf "%s does not belong into values, which everybody reads, and would be overridden: put it into the Secret that %s names." $key $value) -}}
{{- end -}}
{{- end -}}
{{- if and (gt (int $airflow.parallelism) 64) (hasPrefix "LocalExecutor" $airflow.executor) -}}
{{- fail (printf "airflow.parallelism is %d, and LocalExecutor would start that many processes in the scheduler: set at most 64, or take stationmaster.airflow.workers.FewWorkersExecutor." (int $airflow.parallelism)) -}}
{{- end -}}
{{- end -}}

{{- define "stationmaster.monitorChecks" -}}
{{- $monitor := .Values.monitor -}}
{{- if and (include "stationmaster.monitors" .) (not .Values.dev.postgres.enabled) (not .Values.database.existingSecret) -}}
{{- fail "monitor.enabled needs the ledger: name a Secret with the key ledger in database.existingSecret, or set monitor.enabled=false." -}}
{{- end -}}
{{- if and .Values.dev.prometheus.enabled (or $monitor.prometheus.url $monitor.prometheus.alertmanagerUrl) -}}
{{- fail "monitor.prometheus.url or alertmanagerUrl name a Prometheus of yours while dev.prometheus.enabled brings one: set only one of the two." -}}
{{- end -}}
{{- with $monitor.dashboard -}}
{{- if and .ingress.enabled (not (and .ingress.host .ingress.tlsSecret)) -}}
{{- fail "monitor.dashboard.ingress.enabled needs host and tlsSecret: business numbers do not travel in the clear." -}}
{{- end -}}
{{- if and .ingress.enabled (eq .login "token") -}}
{{- fail "monitor.dashboard.login=token is for port-forwards only: set login=oidc or login=proxy with monitor.dashboard.ingress.enabled." -}}
{{- end -}}
{{- if and (eq .login "oidc") (not (and .oidc.issuer .oidc.clientId .oidc.existingSecret)) -}}
{{- fail "monitor.dashboard.login=oidc needs oidc.issuer, oidc.clientId and oidc.existingSecret (a Secret with the key client-secret)." -}}
{{- end -}}
{{- if and (eq .login "proxy") (not .proxy.addresses) -}}
{{- fail "monitor.dashboard.login=proxy needs proxy.addresses: from whom a header is believed." -}}
{{- end -}}
{{- if and (ne .login "token") (not (or .viewers .operators)) -}}
{{- fail "monitor.dashboard.viewers and operators are empty: nobody could look. Name groups, or viewers=[\"*\"] for whoever can log in." -}}
{{- end -}}
{{- if and (ne .login "token") (not (or .publicUrl .ingress.enabled)) -}}
{{- fail "monitor.dashboard.publicUrl is empty and its ingress off: say where people reach the dashboard." -}}
{{- end -}}
{{- end -}}
{{- end -}}
