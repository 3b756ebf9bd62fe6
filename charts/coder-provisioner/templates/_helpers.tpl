{{/* The name of everything this chart makes. */}}
{{- define "coder.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- define "coder.selectorLabels" -}}
app.kubernetes.io/name: {{ include "coder.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "coder.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{ include "coder.selectorLabels" . }}
app.kubernetes.io/part-of: coder
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end }}

{{- define "coder.image" -}}
{{- printf "%s:%s" .Values.coder.image.repo (default .Chart.AppVersion .Values.coder.image.tag) }}
{{- end }}

{{- define "coder.hasPrometheus" -}}
{{- range .Values.coder.env }}
{{- if and (eq .name "CODER_PROMETHEUS_ENABLE") (eq (toString .value) "true") }}true{{ end }}
{{- end }}
{{- end }}

{{/* What is wrong with these values though each of them is well formed. */}}
{{- define "coder.refuseContradictions" -}}
{{- $daemon := .Values.provisionerDaemon }}
{{- if and (empty $daemon.keySecretName) (empty $daemon.pskSecretName) }}
{{- fail "provisionerDaemon.keySecretName or provisionerDaemon.pskSecretName must name a Secret: without one the daemons cannot authenticate." }}
{{- end }}
{{- if $daemon.keySecretName }}
{{- if and $daemon.pskSecretName (ne $daemon.pskSecretName "coder-provisioner-psk") }}
{{- fail "Give either provisionerDaemon.keySecretName or provisionerDaemon.pskSecretName, not both." }}
{{- end }}
{{- if $daemon.tags }}
{{- fail "provisionerDaemon.tags cannot be used with provisionerDaemon.keySecretName: the key carries its tags. Make a key with `coder provisioner keys create NAME --tag KEY=VALUE`." }}
{{- end }}
{{- end }}
{{- range .Values.coder.env }}
{{- if has .name (list "CODER_PROVISIONER_DAEMON_KEY" "CODER_PROVISIONER_DAEMON_PSK") }}
{{- fail (printf "coder.env must not contain %s: put it into a Secret and name that in provisionerDaemon.keySecretName or provisionerDaemon.pskSecretName." .name) }}
{{- else if eq .name "CODER_PROVISIONERD_TAGS" }}
{{- fail "coder.env must not contain CODER_PROVISIONERD_TAGS: use provisionerDaemon.tags." }}
{{- else if eq .name "CODER_PROMETHEUS_ADDRESS" }}
{{- fail "coder.env must not contain CODER_PROMETHEUS_ADDRESS: the chart sets it to 0.0.0.0:2112, where its port and probes are." }}
{{- end }}
{{- end }}
{{- end }}

{{/* What the chart sets. */}}
{{- define "coder.ownEnv" -}}
- name: CODER_PROMETHEUS_ADDRESS
  value: 0.0.0.0:2112
- name: CODER_CACHE_DIRECTORY
  value: /home/coder/.cache/coder
- name: CODER_URL
  value: http://coder.{{ .Release.Namespace }}.svc.cluster.local
{{- if .Values.coder.certs.secrets }}
# Node.js, unlike Terraform, does not look there by itself.
- name: SSL_CERT_DIR
  value: /etc/ssl/certs
{{- end }}
{{- with .Values.provisionerDaemon }}
{{- if .keySecretName }}
- name: CODER_PROVISIONER_DAEMON_KEY
  valueFrom:
    secretKeyRef:
      name: {{ .keySecretName }}
      key: {{ .keySecretKey }}
{{- else }}
- name: CODER_PROVISIONER_DAEMON_PSK
  valueFrom:
    secretKeyRef:
      name: {{ .pskSecretName }}
      key: psk
{{- end }}
{{- if .tags }}
{{- $tags := list }}
{{- range $key, $value := .tags }}
{{- $tags = append $tags (printf "%s=%s" $key $value) }}
{{- end }}
- name: CODER_PROVISIONERD_TAGS
  value: {{ sortAlpha $tags | join "," | quote }}
{{- end }}
{{- end }}
{{- end }}

{{/* The user's variables after ours; one that he sets himself is not repeated. */}}
{{- define "coder.env" -}}
{{- $given := dict }}
{{- range .Values.coder.env }}
{{- $_ := set $given .name true }}
{{- end }}
{{- $env := list }}
{{- range include "coder.ownEnv" . | fromYamlArray }}
{{- if not (hasKey $given .name) }}
{{- $env = append $env . }}
{{- end }}
{{- end }}
{{- concat $env .Values.coder.env | toYaml }}
{{- end }}

{{- define "coder.volumes" -}}
- name: cache
  emptyDir: {}
- name: tmp
  emptyDir: {}
{{- range .Values.coder.certs.secrets }}
- name: ca-cert-{{ .name }}
  secret:
    secretName: {{ .name }}
{{- end }}
{{- with .Values.coder.volumes }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "coder.volumeMounts" -}}
- name: cache
  mountPath: /home/coder/.cache
- name: tmp
  mountPath: /tmp
{{- range .Values.coder.certs.secrets }}
- name: ca-cert-{{ .name }}
  mountPath: /etc/ssl/certs/{{ .name }}.crt
  subPath: {{ .key }}
  readOnly: true
{{- end }}
{{- with .Values.coder.volumeMounts }}
{{ toYaml . }}
{{- end }}
{{- end }}
