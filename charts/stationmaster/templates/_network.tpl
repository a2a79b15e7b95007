{{/* The TCP port of a URL: the one it names, else its scheme's. */}}
{{- define "stationmaster.portOf" -}}
{{- $url := urlParse . -}}
{{- regexFind ":[0-9]+$" $url.host | trimPrefix ":" | default (ternary "80" "443" (eq $url.scheme "http")) -}}
{{- end -}}

{{- define "stationmaster.egressDns" -}}
- to:
    - namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: kube-system}}
  ports: [{port: 53, protocol: UDP}, {port: 53, protocol: TCP}]
{{- end -}}

{{/* What lies outside the cluster has no labels: ports to any address, as the values name them.
     Call with (dict "root" $ "ports" list of more ports "urls" list of more URLs, some empty). */}}
{{- define "stationmaster.egressOutside" -}}
{{- $v := .root.Values -}}
{{- $ports := .ports -}}
{{- $urls := append .urls $v.steps.supportApiUrl -}}
{{- if not $v.dev.seaweedfs.enabled -}}
{{- $ports = append $ports "443" -}}
{{- $urls = append $urls $v.storage.endpoint -}}
{{- end -}}
{{- if not $v.dev.postgres.enabled -}}{{- $ports = append $ports ($v.database.port | toString) -}}{{- end -}}
{{- range compact $urls -}}{{- $ports = append $ports (include "stationmaster.portOf" .) -}}{{- end -}}
{{- with $ports | uniq | sortAlpha }}
- ports:
    {{- range . }}
    - {port: {{ . }}, protocol: TCP}
    {{- end }}
{{- end }}
{{- if not $v.dev.seaweedfs.enabled }}
# EKS Pod Identity hands out a role's keys at this address of each node; other clusters have none.
- to: [{ipBlock: {cidr: 169.254.170.23/32}}]
  ports: [{port: 80, protocol: TCP}]
{{- end }}
{{- end -}}
