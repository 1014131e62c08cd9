# Becomes the broker. Ingest's login is set anew from MQTT_PASSWORD; the devices' ones, which the same file has, stay.
set -eu
umask 077

printf 'aurora:%s\n' "$MQTT_PASSWORD" > /tmp/login
mosquitto_passwd -U /tmp/login
touch /mosquitto/data/passwords
sed -i '/^aurora:/d' /mosquitto/data/passwords
cat /tmp/login >> /mosquitto/data/passwords

# For the health check: arguments are visible to every user of the machine.
printf -- '-u aurora\n-P %s\n' "$MQTT_PASSWORD" > "$XDG_CONFIG_HOME/mosquitto_sub"

exec mosquitto -c /etc/aurora/mosquitto.conf
