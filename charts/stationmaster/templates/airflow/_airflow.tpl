{{/* Airflow's settings, as environment; option names are those of Airflow 3.3.2. */}}
{{- define "stationmaster.airflowSettings" -}}
{{- $name := include "stationmaster.name" . -}}
{{- with .Values.airflow -}}
AIRFLOW_HOME: /home/airflow
AIRFLOW__CORE__AUTH_MANAGER: airflow.providers.fab.auth_manager.fab_auth_manager.FabAuthManager
AIRFLOW__CORE__EXECUTOR: {{ .executor | quote }}
AIRFLOW__CORE__PARALLELISM: {{ .parallelism | quote }}
AIRFLOW__CORE__DAGS_FOLDER: {{ .dagsFolder }}
AIRFLOW__CORE__LOAD_EXAMPLES: "False"
# The pod's address: other pods can reach it for live logs, which they can't by the pod's name.
AIRFLOW__CORE__HOSTNAME_CALLABLE: airflow.utils.net.get_host_ip_address
AIRFLOW__CORE__EXECUTION_API_SERVER_URL: http://{{ $name }}-api-server:8080/execution/
AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST: {{ include "stationmaster.bundles" $ | fromJsonArray | toJson | quote }}
# DAG files come with the image and seldom change; those of a ConfigMap are seen within 20 s.
AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL: "60"
AIRFLOW__DAG_PROCESSOR__REFRESH_INTERVAL: "20"
AIRFLOW__API__PORT: "8080"
AIRFLOW__API__WORKERS: {{ .apiServer.workers | quote }}
{{- if .ingress.enabled }}
AIRFLOW__API__BASE_URL: https://{{ .ingress.host }}
AIRFLOW__FAB__ENABLE_PROXY_FIX: "True"
AIRFLOW__FAB__COOKIE_SECURE: "True"
{{- end }}
AIRFLOW__API__EXPOSE_CONFIG: "False"
AIRFLOW__FAB__CONFIG_FILE: /etc/stationmaster/webserver_config.py
# The migration Job does it once, instead of each api-server at each start.
AIRFLOW__FAB__UPDATE_FAB_PERMS: "False"
AIRFLOW__FAB__CUSTOM_ROLES: {{ .login.roles | toJson | quote }}
# The init containers have waited for it.
AIRFLOW__DATABASE__CHECK_MIGRATIONS: "False"
AIRFLOW__DATABASE__EXTERNAL_DB_MANAGERS: airflow.providers.fab.auth_manager.models.db.FABDBManager
AIRFLOW__LOGGING__LOGGING_CONFIG_CLASS: stationmaster.airflow.logs.config.LOGGING_CONFIG
AIRFLOW__LOGGING__DELETE_LOCAL_LOGS: "True"
AIRFLOW__LOGGING__COLORED_CONSOLE_LOG: "False"
AIRFLOW__LOGGING__DAG_PROCESSOR_LOG_TARGET: stdout
# A new api-server or a stalled one must not cost a running task its life.
AIRFLOW__WORKERS__MAX_FAILED_HEARTBEATS: "20"
AIRFLOW__WORKERS__EXECUTION_API_RETRIES: "10"
AIRFLOW__SCHEDULER__ORPHANED_TASKS_CHECK_INTERVAL: "15"
AIRFLOW__SCHEDULER__SCHEDULER_HEALTH_CHECK_THRESHOLD: "30"
AIRFLOW__SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME: "0.1"
AIRFLOW__SCHEDULER__MAX_TIS_PER_QUERY: "64"
# A step may wait long for a node: that is Pending, said in its log, and no reason to fail it.
AIRFLOW__SCHEDULER__TASK_QUEUED_TIMEOUT: "86400"
# A database that was away for minutes must not make every living step look dead at once: the
# callbacks of a failure would run for steps that go on.
AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT: "1800"
AIRFLOW__DATABASE__SQL_ALCHEMY_CONNECT_ARGS: stationmaster.airflow.database.CONNECT_ARGUMENTS
{{- if or .metrics.statsd.host .metrics.exporter.enabled }}
AIRFLOW__METRICS__STATSD_ON: "True"
AIRFLOW__METRICS__STATSD_HOST: {{ .metrics.statsd.host | default (printf "%s-metrics" $name) }}
AIRFLOW__METRICS__STATSD_PORT: {{ .metrics.statsd.port | quote }}
{{- if .metrics.exporter.enabled }}
# DAG and task as labels instead of in the metric's name: the exporter understands that.
AIRFLOW__METRICS__STATSD_INFLUXDB_ENABLED: "True"
{{- end }}
{{- end }}
{{- with .metrics.otel.endpoint }}
AIRFLOW__METRICS__OTEL_ON: "True"
OTEL_EXPORTER_OTLP_ENDPOINT: {{ . | quote }}
OTEL_EXPORTER_OTLP_PROTOCOL: http/protobuf
OTEL_SERVICE_NAME: {{ $name }}
{{- end }}
{{- if .metrics.otel.traces }}
AIRFLOW__TRACES__OTEL_ON: "True"
# Airflow's default, `otlp`, speaks gRPC, whatever the protocol above.
OTEL_TRACES_EXPORTER: otlp_proto_http
{{- end }}
STATIONMASTER_RUNTIME: kubernetes
STATIONMASTER_STEPS_NAMESPACE: {{ $.Values.steps.namespace }}
# Tells this release's pods from those of another one that uses the same namespace for steps.
STATIONMASTER_PLATFORM_ID: {{ $.Release.Namespace }}.{{ $.Release.Name }}
# One clock for maintenance: the CronJob's, or else the DAG's.
STATIONMASTER_MAINTENANCE_SCHEDULE: {{ ternary "" $.Values.maintenance.schedule $.Values.maintenance.enabled | quote }}
STATIONMASTER_CATALOG_FILE: /etc/stationmaster/catalog.yaml
{{- if $.Values.priorityClasses.enabled }}
STATIONMASTER_URGENT_PRIORITY_CLASS: {{ $name }}-urgent
{{- end }}
{{- if .pools }}
STATIONMASTER_POOLS_FILE: /etc/stationmaster/pools.yaml
{{- end }}
STATIONMASTER_LARGEST_STEP_MEMORY: {{ $.Values.steps.largestMemory | quote }}
{{- with $.Values.steps.cost }}
{{- if .prices }}
STATIONMASTER_COST_PRICES: /etc/stationmaster/prices.csv
{{- end }}
STATIONMASTER_COST_REGION: {{ .region | quote }}
STATIONMASTER_COST_SPOT_SHARE: {{ .spotShare | quote }}
STATIONMASTER_COST_CURRENCY: {{ .currency | quote }}
STATIONMASTER_COST_PER_USD: {{ .perUsd | quote }}
{{- end }}
STATIONMASTER_SIZING: {{ $.Values.steps.sizing }}
STATIONMASTER_GROW_IN_PLACE: {{ $.Values.steps.growInPlace | quote }}
STATIONMASTER_WORKERS: {{ .workers | quote }}
STATIONMASTER_STEPS_AT_ONCE: {{ .parallelism | quote }}
STATIONMASTER_HOME: /tmp/stationmaster
STATIONMASTER_SECRETS: /run/secrets/stationmaster
{{- end }}
{{- end -}}

{{/* Where DAGs come from: the image, and a ConfigMap that may come later. */}}
{{- define "stationmaster.bundles" -}}
{{- $bundle := "airflow.dag_processing.bundles.local.LocalDagBundle" -}}
{{- $bundles := list (dict "name" "dags-folder" "classpath" $bundle "kwargs" dict) -}}
{{- if .Values.airflow.extraDagsConfigMap -}}
{{- $bundles = append $bundles (dict "name" "extra" "classpath" $bundle "kwargs" (dict "path" "/opt/stationmaster/extra-dags")) -}}
{{- end -}}
{{- toJson $bundles -}}
{{- end -}}

{{/* Environment of a container that runs Airflow. */}}
{{- define "stationmaster.airflowEnv" -}}
envFrom:
  - configMapRef: {name: {{ include "stationmaster.name" . }}-airflow}
  - secretRef: {name: {{ include "stationmaster.keysSecret" . }}}
  {{- with include "stationmaster.storageSecret" . }}
  - secretRef: {name: {{ . }}}
  {{- end }}
env:
  {{- range $variable, $key := dict "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN" "airflow" "STATIONMASTER_CATALOG_URI" "catalog" "STATIONMASTER_LEDGER_URI" "ledger" }}
  - name: {{ $variable }}
    valueFrom:
      secretKeyRef: {name: {{ include "stationmaster.databaseSecret" $ }}, key: {{ $key }}}
  {{- end }}
  - name: POD_IP
    valueFrom:
      fieldRef: {fieldPath: status.podIP}
  {{- if .Values.airflow.login.oidc.enabled }}
  - name: OIDC_CLIENT_SECRET
    valueFrom:
      secretKeyRef: {name: {{ .Values.airflow.login.oidc.existingSecret }}, key: client-secret}
  {{- end }}
{{- end -}}

{{- define "stationmaster.airflowMounts" -}}
volumeMounts:
  - {name: home, mountPath: /home/airflow}
  - {name: scratch, mountPath: /tmp}
  - {name: config, mountPath: /etc/stationmaster, readOnly: true}
  {{- if include "stationmaster.taskSecrets" . | fromJsonArray }}
  - {name: secrets, mountPath: /run/secrets/stationmaster, readOnly: true}
  {{- end }}
  {{- if .Values.airflow.extraDagsConfigMap }}
  - {name: extra-dags, mountPath: /opt/stationmaster/extra-dags, readOnly: true}
  {{- end }}
{{- end -}}

{{/* Secrets that tasks on a worker read as files: WaitForSource the API's token. */}}
{{- define "stationmaster.taskSecrets" -}}
{{- $names := .Values.airflow.secrets -}}
{{- if .Values.dev.sources.enabled -}}{{- $names = append $names "support-api-token" | uniq -}}{{- end -}}
{{- toJson $names -}}
{{- end -}}

{{- define "stationmaster.airflowVolumes" -}}
{{- $name := include "stationmaster.name" . -}}
volumes:
  - name: home
    emptyDir: {}
  - name: scratch
    emptyDir: {}
  - name: config
    projected:
      sources:
        - configMap: {name: {{ $name }}-files}
        - configMap: {name: {{ $name }}-catalog}
  {{- with include "stationmaster.taskSecrets" . | fromJsonArray }}
  - name: secrets
    projected:
      sources:
        {{- range . }}
        - secret:
            name: {{ . }}
            items: [{key: value, path: {{ . }}}]
        {{- end }}
  {{- end }}
  {{- with .Values.airflow.extraDagsConfigMap }}
  - name: extra-dags
    projected:
      sources:
        - configMap: {name: {{ . }}, optional: true}
        - configMap:
            name: {{ $name }}-files
            items: [{key: airflowignore, path: .airflowignore}]
  {{- end }}
{{- end -}}

{{/* Waits until the schema is what this image knows: asks the database, not the Job, so that
     neither `--wait` nor a rollback has to know which Job did it. */}}
{{- define "stationmaster.waitForSchema" -}}
- name: wait-for-schema
  image: {{ include "stationmaster.platformImage" . }}
  imagePullPolicy: {{ .Values.image.pullPolicy }}
  command: [python, /etc/stationmaster/wait_for_schema.py]
  {{- include "stationmaster.airflowEnv" . | nindent 2 }}
  {{- include "stationmaster.airflowMounts" . | nindent 2 }}
  {{- include "stationmaster.containerSecurity" . | nindent 2 }}
  resources: {{- toYaml .Values.airflow.jobResources | nindent 4 }}
{{- end -}}

{{/* Probes that ask the pod's own job in the database. A start may take five minutes; a stall of
     40 s or a database that is away for a while restarts nothing. */}}
{{- define "stationmaster.aliveProbes" -}}
startupProbe:
  exec: {command: [python, /etc/stationmaster/alive.py, {{ .jobType }}, "60"]}
  periodSeconds: 5
  timeoutSeconds: 15
  failureThreshold: 60
livenessProbe:
  exec: {command: [python, /etc/stationmaster/alive.py, {{ .jobType }}, "120"]}
  periodSeconds: 20
  timeoutSeconds: 15
  failureThreshold: 3
{{- end -}}

{{/* New settings or keys mean new pods: a key that only some pods know fails every task. */}}
{{- define "stationmaster.airflowAnnotations" -}}
annotations:
  stationmaster.dev/settings: {{ include (print .Template.BasePath "/airflow/settings.yaml") . | sha256sum | trunc 16 | quote }}
  stationmaster.dev/keys: {{ include "stationmaster.keysDigest" . | quote }}
{{- end -}}

{{- define "stationmaster.keysDigest" -}}
{{- $theirs := lookup "v1" "Secret" .Release.Namespace (include "stationmaster.keysSecret" .) | default dict -}}
{{- $data := $theirs.data | default dict -}}
{{- if not $data -}}
{{- $data = dict -}}
{{- range $key := list "AIRFLOW__CORE__FERNET_KEY" "AIRFLOW__API_AUTH__JWT_SECRET" "AIRFLOW__API__SECRET_KEY" -}}
{{- $_ := set $data $key (include "stationmaster.airflowKey" (dict "root" $ "key" $key) | b64enc) -}}
{{- end -}}
{{- end -}}
{{- toJson $data | sha256sum | trunc 16 -}}
{{- end -}}

{{/* A Fernet key is 32 random bytes in URL-safe base64; the others are plain random text. */}}
{{- define "stationmaster.airflowKey" -}}
{{- $secret := printf "%s-keys" (include "stationmaster.name" .root) -}}
{{- $draw := randAlphaNum 64 -}}
{{- if eq .key "AIRFLOW__CORE__FERNET_KEY" -}}
{{- $draw = randBytes 32 | replace "+" "-" | replace "/" "_" -}}
{{- end -}}
{{- include "stationmaster.kept" (dict "root" .root "secret" $secret "key" .key "draw" $draw) -}}
{{- end -}}
