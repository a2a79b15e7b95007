{{/* A job's image: by digest, else by its own tag, else by the platform's. */}}
{{- define "stationmaster.jobImage" -}}
{{- if .image.digest -}}{{ .image.repository }}@{{ .image.digest }}
{{- else if .image.tag -}}{{ .image.repository }}:{{ .image.tag }}
{{- else -}}{{ include "stationmaster.image" (dict "root" .root "image" .image.repository) }}
{{- end -}}
{{- end -}}

{{/* What the job's pods have besides the step contract, and the ConfigMap and Secret
     `stationmaster-step` that each of them has. */}}
{{- define "stationmaster.jobPod" -}}
serviceAccount: stationmaster-step{{ with (.entry.serviceAccount | default dict).annotations }}-{{ $.job }}{{ end }}
{{- $rank := ternary "uninterruptible" "step" (eq (toString .entry.interruptible) "false") }}
{{- with .entry.priorityClassName | default (ternary (printf "%s-%s" (include "stationmaster.name" .root) $rank) "" .root.Values.priorityClasses.enabled) }}
priorityClass: {{ . }}
{{- end }}
{{- if or .root.Values.steps.existingSecret .entry.envFrom }}
envFrom:
  {{- with .root.Values.steps.existingSecret }}
  - secretRef: {name: {{ . }}}
  {{- end }}
  {{- with .entry.envFrom }}{{- toYaml . | nindent 2 }}{{- end }}
{{- end }}
{{- $steady := ternary .root.Values.steps.uninterruptible.nodeSelector dict (eq (toString .entry.interruptible) "false") }}
{{- with merge dict (.entry.nodeSelector | default dict) $steady }}
nodeSelector: {{- toYaml . | nindent 2 }}
{{- end }}
{{- range $field := list "env" "tolerations" }}
{{- with index $.entry $field }}
{{ $field }}: {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}
{{- with .root.Values.imagePullSecrets }}
imagePullSecrets: {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{/* Who starts pods. */}}
{{- define "stationmaster.launchers" -}}
{{- if .Values.airflow.enabled }}
- kind: ServiceAccount
  name: {{ include "stationmaster.name" . }}-scheduler
  namespace: {{ .Release.Namespace }}
{{- end }}
{{- range .Values.steps.launchers }}
- kind: ServiceAccount
  name: {{ .name }}
  namespace: {{ .namespace }}
{{- end }}
{{- end -}}
