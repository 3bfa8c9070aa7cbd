# In front of Odoo: the headers that it needs, websockets to their own port, the database manager closed, a page for probes.
step_nginx() {
	packages nginx
	local reload=no
	rm -f /etc/nginx/sites-enabled/default
	nginx_site | put /etc/nginx/sites-available/odoo 644
	[[ $CHANGED == yes ]] && reload=yes
	if [[ $(readlink /etc/nginx/sites-enabled/odoo || true) != ../sites-available/odoo ]]; then
		ln -sfn ../sites-available/odoo /etc/nginx/sites-enabled/odoo
		reload=yes
	fi
	nginx -t
	systemctl enable -q nginx
	if ! systemctl is-active -q nginx; then systemctl restart nginx; elif [[ $reload == yes ]]; then systemctl reload nginx; fi
	within 20 curl -s -m 3 -o /dev/null http://127.0.0.1/healthz || fail 'nginx does not answer'
}

nginx_site() {
	cat <<'EOF'
upstream odoo {
	server 127.0.0.1:8069;
	keepalive 16;
}
upstream odoo_websocket {
	server 127.0.0.1:8072;
}
map $http_upgrade $erp_connection {
	default upgrade;
	'' '';
}
# What is in front of us (tunnel or edge) ends TLS and says so.
map $http_x_forwarded_proto $erp_scheme {
	default $scheme;
	https https;
}

server {
	listen 80 default_server;
	server_name _;
	server_tokens off;
	# Attachments and imports.
	client_max_body_size 512m;

	# The visitor's address, as far as it was written by machines of a private network: Odoo believes the last one.
	set_real_ip_from 10.0.0.0/8;
	set_real_ip_from 172.16.0.0/12;
	set_real_ip_from 192.168.0.0/16;
	set_real_ip_from 127.0.0.0/8;
	set_real_ip_from fc00::/7;
	real_ip_header X-Forwarded-For;
	real_ip_recursive on;

	proxy_http_version 1.1;
	# Odoo ignores every X-Forwarded-* unless X-Forwarded-Host is there.
	proxy_set_header Host $host;
	proxy_set_header X-Forwarded-Host $host;
	proxy_set_header X-Forwarded-Proto $erp_scheme;
	proxy_set_header X-Forwarded-For $remote_addr;
	proxy_set_header X-Real-IP $remote_addr;
	proxy_set_header Upgrade $http_upgrade;
	proxy_set_header Connection $erp_connection;
	proxy_connect_timeout 10s;
	proxy_read_timeout 720s;
	proxy_send_timeout 720s;
	proxy_buffers 16 64k;
	proxy_buffer_size 128k;
	gzip on;
	gzip_min_length 1024;
	gzip_types text/css text/plain text/xml application/xml application/json application/javascript image/svg+xml;

	# Also behind the language that Odoo's website puts in front of a path; the manager over RPC likewise.
	location ~* ^(?:/[a-z][a-z][a-z]?(?:_[a-z0-9@]+)?)?/web/database(?:/|$) {
		return 404;
	}
	location ~* ^/xmlrpc/(?:2/)?db(?:/|$) {
		return 404;
	}

	# 200 when nginx and Odoo both answer, else 503.
	location = /healthz {
		access_log off;
		proxy_connect_timeout 2s;
		proxy_read_timeout 5s;
		proxy_intercept_errors on;
		error_page 404 500 502 504 =503 @ill;
		proxy_pass http://odoo/web/health;
	}
	location @ill {
		internal;
		default_type application/json;
		return 503 '{"status":"fail"}';
	}

	location /websocket {
		proxy_pass http://odoo_websocket;
	}
	location / {
		proxy_redirect off;
		proxy_pass http://odoo;
	}
}
EOF
}
