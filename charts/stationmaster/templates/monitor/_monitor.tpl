{{/* Whether monitoring runs here: of itself only beside the chart's own Airflow. */}}
{{- define "stationmaster.monitors" -}}
{{- $enabled := toString .Values.monitor.enabled -}}
{{- if or (eq $enabled "true") (and (eq $enabled "auto") .Values.airflow.enabled) -}}yes{{- end -}}
{{- end -}}

{{- define "stationmaster.prometheusUrl" -}}
{{- if .Values.dev.prometheus.enabled -}}http://{{ include "stationmaster.name" . }}-prometheus:9090
{{- else -}}{{ .Values.monitor.prometheus.url }}
{{- end -}}
{{- end -}}
{{- define "stationmaster.alertmanagerUrl" -}}
{{- if .Values.dev.prometheus.enabled -}}http://{{ include "stationmaster.name" . }}-alertmanager:9093
{{- else -}}{{ .Values.monitor.prometheus.alertmanagerUrl }}
{{- end -}}
{{- end -}}

{{/* Whether the kinds of the Prometheus operator are used. */}}
{{- define "stationmaster.prometheusOperator" -}}
{{- $way := .Values.monitor.prometheus.operator -}}
{{- if or (eq $way "on") (and (eq $way "auto") (.Capabilities.APIVersions.Has "monitoring.coreos.com/v1/PrometheusRule")) -}}yes{{- end -}}
{{- end -}}

{{- define "stationmaster.dashboardUrl" -}}
{{- with .Values.monitor.dashboard -}}
{{- if .publicUrl -}}{{ .publicUrl }}{{- else if .ingress.enabled -}}https://{{ .ingress.host }}{{- end -}}
{{- end -}}
{{- end -}}

{{- define "stationmaster.airflowPublicUrl" -}}
{{- if .Values.airflow.ingress.enabled -}}https://{{ .Values.airflow.ingress.host }}{{- else -}}{{ .Values.monitor.airflow.publicUrl }}{{- end -}}
{{- end -}}

{{/* What watcher and dashboard are told; the places are those of steps and platform. */}}
{{- define "stationmaster.monitorSettings" -}}
{{- $name := include "stationmaster.name" . -}}
STATIONMASTER_HOME: /var/lib/stationmaster
STATIONMASTER_SECRETS: /run/secrets/stationmaster
STATIONMASTER_RUNTIME: kubernetes
STATIONMASTER_STEPS_NAMESPACE: {{ .Values.steps.namespace }}
STATIONMASTER_WATCHED_NAMESPACES: {{ printf "%s,%s" .Release.Namespace .Values.steps.namespace }}
STATIONMASTER_PLATFORM_ID: {{ .Release.Namespace }}.{{ .Release.Name }}
STATIONMASTER_CATALOG_FILE: /etc/stationmaster/catalog.yaml
STATIONMASTER_MONITORING_FILE: {{ ternary "/etc/stationmaster/monitoring.yaml" (printf "%s/monitoring.yaml" .Values.airflow.dagsFolder) (not (empty .Values.monitor.file)) }}
STATIONMASTER_PROBE: {{ .Values.monitor.probe | default (printf "%s/.probe" .Values.storage.logs) }}
STATIONMASTER_LARGEST_STEP_MEMORY: {{ .Values.steps.largestMemory | quote }}
STATIONMASTER_SIZING: {{ .Values.steps.sizing }}
{{- with .Values.monitor.airflow.url | default (ternary (printf "http://%s-api-server:8080" $name) "" .Values.airflow.enabled) }}
STATIONMASTER_AIRFLOW_URL: {{ . }}
{{- end }}
{{- with include "stationmaster.prometheusUrl" . }}
STATIONMASTER_PROMETHEUS_URL: {{ . }}
{{- end }}
{{- with include "stationmaster.alertmanagerUrl" . }}
STATIONMASTER_ALERTMANAGER_URL: {{ . }}
{{- end }}
{{- with .Values.steps.cost }}
{{- if .prices }}
STATIONMASTER_COST_PRICES: /etc/stationmaster/prices.csv
{{- end }}
STATIONMASTER_COST_REGION: {{ .region | quote }}
STATIONMASTER_COST_SPOT_SHARE: {{ .spotShare | quote }}
STATIONMASTER_COST_CURRENCY: {{ .currency | quote }}
STATIONMASTER_COST_PER_USD: {{ .perUsd | quote }}
{{- end }}
{{- include "stationmaster.dashboardSettings" . | nindent 0 }}
{{- if .Values.airflow.metrics.otel.traces }}
OTEL_EXPORTER_OTLP_ENDPOINT: {{ .Values.airflow.metrics.otel.endpoint | quote }}
OTEL_EXPORTER_OTLP_PROTOCOL: http/protobuf
{{- end }}
{{- end -}}

{{- define "stationmaster.dashboardSettings" -}}
{{- with .Values.monitor.dashboard -}}
STATIONMASTER_DASHBOARD_LOGIN: {{ .login }}
{{- with include "stationmaster.dashboardUrl" $ }}
STATIONMASTER_DASHBOARD_PUBLIC_URL: {{ . }}
{{- end }}
{{- with include "stationmaster.airflowPublicUrl" $ }}
STATIONMASTER_DASHBOARD_AIRFLOW_URL: {{ . }}
{{- end }}
STATIONMASTER_DASHBOARD_VIEWERS: {{ toJson .viewers | quote }}
STATIONMASTER_DASHBOARD_OPERATORS: {{ toJson .operators | quote }}
{{- if eq .login "oidc" }}
STATIONMASTER_DASHBOARD_OIDC_ISSUER: {{ .oidc.issuer }}
STATIONMASTER_DASHBOARD_OIDC_CLIENT_ID: {{ .oidc.clientId }}
STATIONMASTER_DASHBOARD_OIDC_SCOPE: {{ .oidc.scope }}
STATIONMASTER_DASHBOARD_OIDC_GROUPS_CLAIM: {{ .oidc.groupsClaim }}
STATIONMASTER_DASHBOARD_OIDC_NAME_CLAIM: {{ .oidc.nameClaim }}
{{- end }}
{{- if eq .login "proxy" }}
STATIONMASTER_DASHBOARD_PROXY_ADDRESSES: {{ toJson .proxy.addresses | quote }}
STATIONMASTER_DASHBOARD_PROXY_USER_HEADER: {{ .proxy.userHeader }}
STATIONMASTER_DASHBOARD_PROXY_GROUPS_HEADER: {{ .proxy.groupsHeader }}
{{- end }}
{{- end -}}
{{- end -}}

{{/* Environment, mounts and volumes of both. Call the first with (dict "root" $ "part" "watcher"). */}}
{{- define "stationmaster.monitorEnv" -}}
{{- $name := include "stationmaster.name" .root -}}
envFrom:
  - configMapRef: {name: {{ $name }}-monitor}
  {{- with include "stationmaster.storageSecret" .root }}
  - secretRef: {name: {{ . }}}
  {{- end }}
env:
  {{- range $variable, $key := dict "STATIONMASTER_AIRFLOW_DATABASE_URI" "airflow" "STATIONMASTER_CATALOG_URI" "catalog" "STATIONMASTER_LEDGER_URI" "ledger" }}
  - name: {{ $variable }}
    valueFrom:
      secretKeyRef: {name: {{ include "stationmaster.databaseSecret" $.root }}, key: {{ $key }}{{ if ne $key "ledger" }}, optional: true{{ end }}}
  {{- end }}
  - {name: OTEL_SERVICE_NAME, value: {{ $name }}-{{ .part }}}
{{- end -}}

{{- define "stationmaster.monitorMounts" -}}
volumeMounts:
  - {name: home, mountPath: /var/lib/stationmaster}
  - {name: scratch, mountPath: /tmp}
  - {name: config, mountPath: /etc/stationmaster, readOnly: true}
  - {name: secrets, mountPath: /run/secrets/stationmaster, readOnly: true}
{{- end -}}

{{/* Each has the secrets that it needs and no other's. Call with (dict "root" $ "part" "watcher"). */}}
{{- define "stationmaster.monitorVolumes" -}}
{{- $name := include "stationmaster.name" .root -}}
{{- $v := .root.Values -}}
volumes:
  # What the watcher could not write while the database was away; outlives the container.
  - name: home
    emptyDir: {sizeLimit: 256Mi}
  - name: scratch
    emptyDir: {sizeLimit: 256Mi}
  - name: config
    projected:
      sources:
        - configMap: {name: {{ $name }}-monitor-files}
        - configMap: {name: {{ $name }}-catalog}
  - name: secrets
    projected:
      sources:
        {{- if eq .part "dashboard" }}
        - secret:
            name: {{ $name }}-monitor
            items: [{key: dashboard-key, path: dashboard-key}, {key: dashboard-token, path: dashboard-token}]
        {{- if eq $v.monitor.dashboard.login "oidc" }}
        - secret:
            name: {{ $v.monitor.dashboard.oidc.existingSecret }}
            items: [{key: client-secret, path: dashboard-oidc-client-secret}]
        {{- end }}
        {{- else }}
        {{- if include "stationmaster.monitorUser" .root }}
        - secret:
            name: {{ $name }}-monitor
            items: [{key: airflow-user, path: airflow-user}, {key: airflow-password, path: airflow-password}]
        {{- end }}
        {{- range compact (list $v.monitor.airflow.existingSecret $v.monitor.channels.existingSecret) }}
        - secret: {name: {{ . }}}
        {{- end }}
        {{- range include "stationmaster.taskSecrets" .root | fromJsonArray }}
        - secret:
            name: {{ . }}
            optional: true
            items: [{key: value, path: {{ . }}}]
        {{- end }}
        {{- end }}
{{- end -}}

{{- define "stationmaster.monitorAnnotations" -}}
stationmaster.dev/settings: {{ include (print .Template.BasePath "/monitor/settings.yaml") . | sha256sum | trunc 16 | quote }}
{{- end -}}

{{/* The user by whom the watcher asks Airflow: it may look, and no more. */}}
{{- define "stationmaster.monitorUser" -}}
{{- if and (include "stationmaster.monitors" .) .Values.airflow.enabled (not .Values.monitor.airflow.existingSecret) (not .Values.airflow.login.webserverConfig) -}}
stationmaster-monitor
{{- end -}}
{{- end -}}
{{- define "stationmaster.monitorSecretValue" -}}
{{- include "stationmaster.kept" (dict "root" .root "secret" (printf "%s-monitor" (include "stationmaster.name" .root)) "key" .key "draw" (randAlphaNum 32)) -}}
{{- end -}}

{{- define "stationmaster.rules" -}}
{{- $text := .Files.Get "files/rules.yaml" -}}
{{- range $word, $value := dict "@NAMESPACE@" .Release.Namespace "@STEPS@" .Values.steps.namespace "@NAME@" (include "stationmaster.name" .) "@RUNBOOKS@" (.Values.monitor.prometheus.runbooks | trimSuffix "/") -}}
{{- $text = replace $word $value $text -}}
{{- end -}}
{{- $rules := fromYaml $text -}}
{{- $groups := list -}}
{{- range $rules.groups -}}
{{- if or $.Values.airflow.enabled (ne .name "stationmaster.airflow") -}}{{- $groups = append $groups . -}}{{- end -}}
{{- end -}}
{{- toYaml (dict "groups" $groups) -}}
{{- end -}}
