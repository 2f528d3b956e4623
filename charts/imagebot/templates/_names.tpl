{{/* Names, labels, image: what several objects say alike. */}}
{{- define "imagebot.name" -}}
{{- .Values.nameOverride | default .Chart.Name -}}
{{- end -}}

{{/* Release name and chart name, once where they are the same. 52 characters leave room for what a StatefulSet adds to a
label; a Service takes no dots. */}}
{{- define "imagebot.fullname" -}}
{{- $name := include "imagebot.name" . -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride -}}
{{- else if contains $name .Release.Name -}}
{{- .Release.Name | replace "." "-" | trunc 52 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | replace "." "-" | trunc 52 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "imagebot.serviceAccount" -}}
{{- if (.Values.serviceAccount).create -}}
{{- .Values.serviceAccount.name | default (include "imagebot.fullname" .) -}}
{{- else -}}
{{- (.Values.serviceAccount).name | default "default" -}}
{{- end -}}
{{- end -}}

{{- define "imagebot.selector" -}}
app.kubernetes.io/name: {{ include "imagebot.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "imagebot.labels" -}}
{{ include "imagebot.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end -}}

{{/* `metadata` of an object called like the release. Takes (list context annotations labels). */}}
{{- define "imagebot.metadata" -}}
{{- $context := index . 0 -}}
name: {{ include "imagebot.fullname" $context }}
namespace: {{ $context.Release.Namespace }}
labels:
  {{- include "imagebot.labels" $context | nindent 2 }}
  {{- with index . 2 }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- with index . 1 }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{/* Annotations of several places in one mapping, the first wins. Takes a list; a place may be empty. */}}
{{- define "imagebot.annotations" -}}
{{- $found := dict -}}
{{- range . -}}
{{- $found = merge $found (. | default dict) -}}
{{- end -}}
{{- toYaml $found -}}
{{- end -}}

{{- define "imagebot.image" -}}
{{- if .Values.image.digest -}}
{{ .Values.image.repository }}@{{ .Values.image.digest }}
{{- else -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end -}}
{{- end -}}

{{/* "yes" where the store is a SQLite file. */}}
{{- define "imagebot.isFile" -}}
{{- if not ((.Values.store).postgresql).secretName -}}yes{{- end -}}
{{- end -}}
