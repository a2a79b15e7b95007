{{/* Names. The release `stationmaster` gives plain names; another one prefixes them. */}}
{{- define "stationmaster.name" -}}
{{- if contains "stationmaster" .Release.Name -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-stationmaster" .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{/* Labels of an object. Call with (dict "root" $ "component" "scheduler"). */}}
{{- define "stationmaster.labels" -}}
{{ include "stationmaster.selector" . }}
app.kubernetes.io/part-of: stationmaster
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version }}
{{- end -}}

{{- define "stationmaster.selector" -}}
app.kubernetes.io/name: stationmaster
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end -}}

{{/* An image of ours: `name` or `name:tag` or `name@digest`; without either, the platform's tag. */}}
{{- define "stationmaster.image" -}}
{{- $last := splitList "/" .image | last -}}
{{- if or (contains ":" $last) (contains "@" $last) -}}
{{- .image -}}
{{- else -}}
{{- printf "%s:%s" .image (.root.Values.image.tag | default .root.Chart.AppVersion) -}}
{{- end -}}
{{- end -}}

{{- define "stationmaster.platformImage" -}}
{{- include "stationmaster.image" (dict "root" . "image" .Values.image.repository) -}}
{{- end -}}

{{/* What every pod of the chart has: no root, no privileges. The platform's image knows its user
     as 50000, all others as 10001. */}}
{{- define "stationmaster.podSecurity" -}}
{{- include "stationmaster.podOf" (dict "root" . "user" 50000) -}}
{{- end -}}
{{- define "stationmaster.otherPodSecurity" -}}
{{- include "stationmaster.podOf" (dict "root" . "user" 10001) -}}
{{- end -}}
{{- define "stationmaster.podOf" -}}
securityContext:
  runAsNonRoot: true
  runAsUser: {{ .user }}
  runAsGroup: {{ .user }}
  fsGroup: {{ .user }}
  fsGroupChangePolicy: OnRootMismatch
  seccompProfile: {type: RuntimeDefault}
enableServiceLinks: false
{{- with .root }}
{{- with .Values.imagePullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
{{- if .Values.priorityClasses.enabled }}
priorityClassName: {{ include "stationmaster.name" . }}-platform
{{- end }}
{{- with .Values.airflow.nodeSelector }}
nodeSelector: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.airflow.tolerations }}
tolerations: {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}
{{- end -}}

{{- define "stationmaster.containerSecurity" -}}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities: {drop: [ALL]}
{{- end -}}

{{/* Replicas of a component on different nodes and zones, where there are any. */}}
{{- define "stationmaster.spread" -}}
topologySpreadConstraints:
  {{- $selector := include "stationmaster.selector" . }}
  {{- range list "kubernetes.io/hostname" "topology.kubernetes.io/zone" }}
  - maxSkew: 1
    topologyKey: {{ . }}
    whenUnsatisfiable: ScheduleAnyway
    labelSelector:
      matchLabels: {{- $selector | nindent 8 }}
  {{- end }}
{{- end -}}

{{/* Names of Secrets: the user's own, or the chart's. */}}
{{- define "stationmaster.keysSecret" -}}
{{- .Values.airflow.keys.existingSecret | default (printf "%s-keys" (include "stationmaster.name" .)) -}}
{{- end -}}
{{- define "stationmaster.databaseSecret" -}}
{{- .Values.database.existingSecret | default (printf "%s-database" (include "stationmaster.name" .)) -}}
{{- end -}}
{{- define "stationmaster.loginSecret" -}}
{{- .Values.airflow.login.existingSecret | default (printf "%s-login" (include "stationmaster.name" .)) -}}
{{- end -}}
{{- define "stationmaster.storageSecret" -}}
{{- if .Values.dev.seaweedfs.enabled -}}{{ include "stationmaster.name" . }}-s3
{{- else -}}{{ .Values.storage.existingSecret }}
{{- end -}}
{{- end -}}

{{/* A value that is made once and kept: read back from the cluster, else drawn, once a render.
     Call with (dict "root" $ "secret" name "key" key "draw" text drawn by the caller).
     Templates of one render share .Values, so that two Secrets can hold the same password. */}}
{{- define "stationmaster.kept" -}}
{{- $memo := printf "kept/%s/%s" .secret .key -}}
{{- if not (hasKey .root.Values $memo) -}}
{{- $old := lookup "v1" "Secret" .root.Release.Namespace .secret | default dict -}}
{{- $value := index ($old.data | default dict) .key | default "" | b64dec | default .draw -}}
{{- $_ := set .root.Values $memo $value -}}
{{- end -}}
{{- index .root.Values $memo -}}
{{- end -}}

{{/* Password of a role of the dev Postgres. Call with (dict "root" $ "role" "airflow"). */}}
{{- define "stationmaster.postgresPassword" -}}
{{- include "stationmaster.kept" (dict "root" .root "secret" (printf "%s-postgres" (include "stationmaster.name" .root)) "key" (printf "%s_PASSWORD" (upper .role)) "draw" (randAlphaNum 32)) -}}
{{- end -}}
{{- define "stationmaster.s3AccessKey" -}}
{{- include "stationmaster.kept" (dict "root" . "secret" (printf "%s-s3" (include "stationmaster.name" .)) "key" "AWS_ACCESS_KEY_ID" "draw" (randAlphaNum 20 | upper)) -}}
{{- end -}}
{{- define "stationmaster.s3SecretKey" -}}
{{- include "stationmaster.kept" (dict "root" . "secret" (printf "%s-s3" (include "stationmaster.name" .)) "key" "AWS_SECRET_ACCESS_KEY" "draw" (randAlphaNum 40)) -}}
{{- end -}}

{{/* SQLAlchemy URI of a database of the dev Postgres; its owner has its name. */}}
{{- define "stationmaster.postgresUri" -}}
{{- printf "postgresql+psycopg2://%s:%s@%s-postgres.%s.svc:5432/%s" .database (include "stationmaster.postgresPassword" (dict "root" .root "role" .database)) (include "stationmaster.name" .root) .root.Release.Namespace .database -}}
{{- end -}}

{{- define "stationmaster.s3Endpoint" -}}
{{- if .Values.dev.seaweedfs.enabled -}}
http://{{ include "stationmaster.name" . }}-seaweedfs.{{ .Release.Namespace }}.svc:8333
{{- else -}}
{{ .Values.storage.endpoint }}
{{- end -}}
{{- end -}}

{{- define "stationmaster.supportApiUrl" -}}
{{- if .Values.dev.sources.enabled -}}
http://{{ include "stationmaster.name" . }}-sources.{{ .Release.Namespace }}.svc:8765
{{- else -}}
{{ .Values.steps.supportApiUrl }}
{{- end -}}
{{- end -}}

{{/* Where things are, the same for steps and platform (stationmaster/step/settings.py). */}}
{{- define "stationmaster.places" -}}
STATIONMASTER_WAREHOUSE: {{ .Values.storage.warehouse | quote }}
STATIONMASTER_LANDING: {{ .Values.storage.landing | quote }}
STATIONMASTER_REPORTS: {{ .Values.storage.reports | quote }}
STATIONMASTER_LOGS: {{ .Values.storage.logs | quote }}
STATIONMASTER_S3_REGION: {{ .Values.storage.region | quote }}
AWS_DEFAULT_REGION: {{ .Values.storage.region | quote }}
{{- with include "stationmaster.s3Endpoint" . }}
STATIONMASTER_S3_ENDPOINT: {{ . | quote }}
AWS_ENDPOINT_URL_S3: {{ . | quote }}
{{- end }}
{{- with include "stationmaster.supportApiUrl" . }}
STATIONMASTER_SUPPORT_API_URL: {{ . | quote }}
{{- end }}
STATIONMASTER_BUSINESS_TIMEZONE: {{ .Values.business.timezone | quote }}
STATIONMASTER_FIRST_RUN: {{ .Values.business.firstRun | quote }}
{{- end -}}

{{/* The buckets that the places of storage name, each once. */}}
{{- define "stationmaster.buckets" -}}
{{- $buckets := list -}}
{{- range list "warehouse" "landing" "reports" "logs" "backups" -}}
{{- $buckets = append $buckets (index $.Values.storage . | trimPrefix "s3://" | splitList "/" | first) -}}
{{- end -}}
{{- $buckets | uniq | join "," -}}
{{- end -}}
